"""Send a large file in parts, several at a time, and go on after an interruption, even in another run of the program.

    OPENAI_API_KEY=... python examples/large_upload.py [FILE]

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import json
import sys
import tempfile
from pathlib import Path

from oxide import Client, UploadInterruptedError, UploadState

if len(sys.argv) > 1:
    path, part_size = Path(sys.argv[1]), None  # 64 MB, the most that the service takes
else:
    path, part_size = Path(tempfile.mkdtemp()) / "questions.jsonl", 1_000_000
    path.write_text("".join(json.dumps({"custom_id": str(number), "url": "/v1/responses"}) + "\n" for number in range(100_000)))

notes = path.with_suffix(".upload")  # what has arrived, for another run
state = UploadState.from_dict(json.loads(notes.read_text())) if notes.exists() else UploadState()
tenths: set[int] = set()


def progress(sent: int, total: int) -> None:
    """Say a word at each tenth; `progress=True` draws a bar instead."""
    tenth = 10 * sent // total
    if tenth not in tenths:
        tenths.add(tenth)
        print(f"{sent / 1e6:.1f} of {total / 1e6:.1f} MB")


with Client() as client:
    try:
        upload = client.uploads.upload_file_chunked(
            file=path, mime_type="text/jsonl", purpose="batch", part_size=part_size, concurrency=4, progress=progress, resume=state
        )
    except UploadInterruptedError as error:
        notes.write_text(json.dumps(error.state.to_dict()))
        sys.exit(f"{error}\nRun this again to go on.")
    notes.unlink(missing_ok=True)
    file = client.files.wait_for_processing(upload.file.id, poll_interval=0.5)
    print(f"{file.filename}: {file.id}, {file.bytes} bytes, {file.status}")
