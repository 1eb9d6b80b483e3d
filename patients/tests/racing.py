import threading

from django.db import connection


def all_at_once(*deeds):
    """Run the deeds in threads that start together; return what each raised."""
    together, raised = threading.Barrier(len(deeds)), []

    def run(deed):
        together.wait()
        try:
            deed()
        except Exception as error:
            raised.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
