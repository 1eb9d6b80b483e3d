"""The nudge: a job of django-q2's ORM broker that names a message to look at."""

from django_q.brokers.orm import ORM
from django_q.tasks import async_task

from registration import request_id


class DelayedORM(ORM):
    """The same broker, but the job becomes visible at `eta`: that is what its lock column means."""

    def __init__(self, eta):
        super().__init__()
        self.eta = eta

    def enqueue(self, task):
        return self.get_connection().create(key=self.list_key, payload=task, lock=self.eta).pk


def nudge(message_pk, eta=None, **how):
    """Queue a look at the message, now or at `eta`. Inside a transaction the job is part of it, so no on_commit.

    `how` goes on to delivery.deliver().
    """
    broker = DelayedORM(eta) if eta else None
    async_task("patients.tasks.deliver", message_pk, request_id.current(), broker=broker, **how)
