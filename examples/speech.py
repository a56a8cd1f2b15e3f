"""Have a text spoken, and write the sound to a file, or play it, while it comes: nothing waits for its end.

    OPENAI_API_KEY=... python examples/speech.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import tempfile
from pathlib import Path

from oxide import Client

path = Path(tempfile.mkdtemp()) / "speech.wav"

with Client() as client:
    client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hello, world.", response_format="wav").stream_to_file(path)
    print(f"{path.name}: {path.stat().st_size} bytes")

    with client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Piece by piece.", response_format="wav") as speech:
        sizes = [len(chunk) for chunk in speech.iter_bytes(16_384)]  # give each to whatever plays it
    print(f"{len(sizes)} pieces of up to {max(sizes)} bytes")
