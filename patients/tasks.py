"""What the queue calls, by these names: ids in, nothing out, nothing raised."""

from patients.messages import delivery
from registration import request_id


def deliver(message_pk, request="", **how):
    request_id.use(request)
    delivery.deliver(message_pk, **how)
