"""Receives uploads whole, or refuses them; one that is too large while it arrives."""

import tempfile
from contextlib import suppress

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

IN_MEMORY_MOST = 1_000_000  # bytes; a longer upload goes on in a file
FORM_MARGIN = 65_536  # bytes of a body beside its file
END = 1000  # bytes of a body, in which its last delimiter is looked for


class WholeUploadHandler(FileUploadHandler):
    """The one upload handler: what is in a multipart/form-data body that has arrived to its end (RFC 2046, 5.1.1).

    A program's request (/api/) that announces more than a photo may have is refused before its body is read
    (RequestDataTooBig, answered 413). So is a browser's at four times as much; below that its body is read to the end,
    since a browser shows no answer that comes while it is sending, and since the rest of the form shall survive.

    Django's parser takes what there is of a body whose sender went away, and passes over a part that it can't name: a
    person would be registered with half a phone number. Here the one raises MultiPartParserError (answered 400), and
    so does the other of a program; a browser has such parts, for files that nobody chose.
    """

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        is_program = self.request.path.startswith("/api/")
        if content_length > (1 if is_program else 4) * settings.MAX_PHOTO_BYTES + FORM_MARGIN:
            raise RequestDataTooBig("The body is larger than any photo may be")
        body = _Watched(input_data, b"--" + boundary)
        fields, files = MultiPartParser(META, body, [NamelessFileUploadHandler(self.request)], encoding).parse()
        parts = sum(len(values) for form in (fields, files) for _, values in form.lists())
        if body.received < content_length or not body.is_closed or (is_program and parts < body.delimiters - 1):
            for _, values in files.lists():
                for file in values:
                    file.close()
            raise MultiPartParserError("The body is cut off, or has a part without a name")
        return fields, files


class _Watched:
    """A body that is read, and what has been seen of it: its length in bytes, its delimiters, its end."""

    def __init__(self, body, delimiter):
        self.body, self.delimiter = body, delimiter
        self.received, self.delimiters, self.end = 0, 0, b""

    def read(self, size):
        data = self.body.read(size)
        self.received += len(data)
        self.delimiters += (self.end[1 - len(self.delimiter) :] + data).count(self.delimiter)
        self.end = (self.end + data)[-END:]
        return data

    @property
    def is_closed(self):
        return self.delimiter + b"--" in self.end


class NamelessFileUploadHandler(FileUploadHandler):
    """Into a file without a name, which is gone with the process, however that ends.

    Nothing over MAX_PHOTO_BYTES is kept. In place of the file, the form then finds an empty one whose `size` is what
    was sent.
    """

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
