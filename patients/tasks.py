"""What the queue calls, by these names: ids in, nothing out, nothing raised."""

from patients.messages import delivery


def deliver(message_pk):
    delivery.deliver(message_pk)
