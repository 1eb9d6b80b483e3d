"""Receives uploads, and refuses one that is too large while it arrives."""

import tempfile
from contextlib import suppress

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

IN_MEMORY_MOST = 1_000_000  # bytes; a longer upload goes on in a file
FORM_MARGIN = 65_536  # bytes of a body beside its file


class NamelessFileUploadHandler(FileUploadHandler):
    """The one upload handler: into a file without a name, which is gone with the process, however that ends.

    Nothing over MAX_PHOTO_BYTES is kept. A program's request (/api/) that announces more is refused before its body
    is read (RequestDataTooBig, answered 413). So is a browser's at four times as much; below that its body is read to
    the end, since a browser shows no answer that comes while it is sending, and since the rest of the form shall
    survive. In place of the file, the form then finds an empty one whose `size` is what was sent.
    """

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        times = 1 if self.request.path.startswith("/api/") else 4
        if content_length > times * settings.MAX_PHOTO_BYTES + FORM_MARGIN:
            raise RequestDataTooBig("The body is larger than any photo may be")

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        self.received = 0
        self.file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_MOST)  # noqa: SIM115 — closed with the request

    def receive_data_chunk(self, raw_data, start):
        self.received += len(raw_data)
        if self.received <= settings.MAX_PHOTO_BYTES:
            try:
                self.file.write(raw_data)
            except OSError:  # the disk is full: don't hold what was written until the garbage is collected
                self.upload_interrupted()
                raise
        return None

    def file_complete(self, file_size):
        if self.received > settings.MAX_PHOTO_BYTES:
            self.file.truncate(0)
        self.file.seek(0)
        return UploadedFile(
            self.file, self.file_name, self.content_type, self.received, self.charset, self.content_type_extra
        )

    def upload_interrupted(self):
        if hasattr(self, "file"):
            with suppress(OSError):  # what is still buffered may find no room either; it is closed all the same
                self.file.close()
