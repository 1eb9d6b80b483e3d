import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from patients.messages import sweep
from patients.models import Chore, Heartbeat, Patient, PhotoDraft, Submission, Tally

HEARTBEAT_SECONDS = 10
DRAIN_SECONDS = 55  # an attempt that is under way is over by then
PATIENCE_SECONDS = 20  # for a new cluster to come up before it can count as stuck
RESTART_PAUSE = 5
RETENTION_BATCH = 200  # photos at a time, between two signs of life

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Run django-q2's cluster and see that it works: start it again when it ended or is stuck, put messages that "
        "lost their job back in the queue, tidy up photos. SIGTERM and Ctrl-C let it finish what it is sending."
    )

    def handle(self, **options):
        self.stopping = self.hurrying = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.restarts, self.sweeper = -1, None
        with suppress(Error):
            Heartbeat.objects.filter(worker=self.name).delete()  # of a worker of the same name before this one
        while not self.stopping:
            self._start_cluster()
            self._watch()
            if not self.stopping:
                self._kill_cluster()
        self._drain()

    def _stop(self, number, frame):
        self.hurrying, self.stopping = self.stopping, True  # told twice, it waits for nothing

    def _start_cluster(self):
        # In a session of its own: a signal to this process's group (a terminal's Ctrl-C) would reach the cluster's
        # workers too, and deadlock it. The kernel ends it in order should this process be killed.
        self.restarts += 1
        self.cluster = subprocess.Popen(  # noqa: S603 — our own command, no argument from outside
            [sys.executable, sys.argv[0], "qcluster"],
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            env=os.environ | {"MAILWORKER": self.name},
        )
        self.started = time.monotonic()

    def _watch(self):
        """Return when the cluster is to be started anew, or is to stop."""
        next_beat = 0
        while not self.stopping:
            if self.cluster.poll() is not None:
                logger.error("the cluster ended", extra={"error": self.cluster.returncode})
                # Killed, or the database is away: one that ended as soon as it had begun is not begun again at once.
                lived = time.monotonic() - self.started
                self._pause(max(0, RESTART_PAUSE - lived))
                return
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + HEARTBEAT_SECONDS
                if self._look_after():
                    return
            self._pause(0.2)

    def _pause(self, seconds):
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _look_after(self):
        """Give a sign of life and do the chores that are due; return whether the cluster is stuck."""
        try:
            close_old_connections()
            Heartbeat.beat(self.name, self.restarts)
            if Chore.take("messages", timedelta(seconds=25)) and (count := sweep.nudge_the_overdue()):
                logger.warning("messages put back in the queue", extra={"count": count})
            if Chore.take("drafts", timedelta(minutes=1)):
                PhotoDraft.drop_expired()
            if Chore.take("repeats and limits", timedelta(minutes=10)):
                Submission.drop_expired()
                Tally.drop_old()
            if Chore.take("erasures", timedelta(minutes=10)):
                Patient.erase_again()
            if Chore.take("retention", timedelta(minutes=10)):
                for patient in Patient.objects.with_photo_past_its_time()[:RETENTION_BATCH]:
                    with suppress(Patient.DoesNotExist):  # erased meanwhile
                        patient.delete_photo()
            if Chore.take("sessions", timedelta(days=1)):
                call_command("clearsessions")
            if Chore.take("photos", timedelta(hours=6)):
                self._sweep_photos()
            is_stuck = time.monotonic() - self.started > PATIENCE_SECONDS and sweep.is_stuck(self.name)
            if is_stuck:
                logger.error("the cluster is stuck")
            return is_stuck
        except (Error, OSError) as error:  # a database or a disk that is away: the next time will do
            logger.error("a chore was not done", extra={"error": type(error).__name__})
            return False

    def _sweep_photos(self):
        # In a process of its own: it may take long, and its alarm is in the log.
        if self.sweeper is None or self.sweeper.poll() is not None:
            self.sweeper = subprocess.Popen(  # noqa: S603 — our own command, no argument from outside
                [sys.executable, sys.argv[0], "sweep_photos", "--delete"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def _kill_cluster(self):
        with suppress(ProcessLookupError):
            os.killpg(self.cluster.pid, signal.SIGKILL)  # with what its main process may have left behind
        self.cluster.wait()
        with suppress(Error):  # else what it was sending is had when its claim expires
            sweep.release(self.name)

    def _drain(self):
        self.cluster.terminate()  # its main process alone, which drains its workers
        until = time.monotonic() + DRAIN_SECONDS
        while self.cluster.poll() is None and not self.hurrying and time.monotonic() < until:
            time.sleep(0.1)
        self._kill_cluster()
        if self.sweeper and self.sweeper.poll() is None:
            self.sweeper.kill()
            self.sweeper.wait()
        with suppress(Error):
            Heartbeat.objects.filter(worker=self.name).delete()


def _end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, Linux only
