"""Refuses an upload that is too large while it arrives."""

from io import BytesIO

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class LimitedUploadHandler(FileUploadHandler):
    """First in FILE_UPLOAD_HANDLERS: nothing over MAX_PHOTO_BYTES reaches memory or disk.

    A body of more than four times the limit is refused before any of it is read (RequestDataTooBig, answered 413).
    A smaller one is read to its end, so that the rest of the form survives, but its file is thrown away; in its
    place the form finds an empty file whose `size` is what was sent.
    """

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        if content_length > 4 * settings.MAX_PHOTO_BYTES:
            raise RequestDataTooBig("The body is larger than any photo may be")

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        self.received = 0

    def receive_data_chunk(self, raw_data, start):
        self.received += len(raw_data)
        return raw_data if self.received <= settings.MAX_PHOTO_BYTES else None

    def file_complete(self, file_size):
        if self.received > settings.MAX_PHOTO_BYTES:
            return UploadedFile(BytesIO(), self.file_name, self.content_type, size=self.received)
        return None
