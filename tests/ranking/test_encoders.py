"""What every encoder does, and that those of ours are the ones they say they are."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.config import Embedding
from newsletter.errors import EncoderError
from newsletter.ranking import minilm as minilm_module
from newsletter.ranking import wordllama as wordllama_module
from newsletter.ranking.bert import laid_out
from newsletter.ranking.encoder import CachedEncoder, Encoder, Vectors, checked_file
from newsletter.ranking.endpoint import Endpoint
from newsletter.ranking.minilm import MiniLM
from newsletter.ranking.onnx_weights import Vocabulary
from newsletter.ranking.wordllama import WordLlama
from newsletter.store import Store
from tests.ranking.services import Service

CTC = "A CTC alignment-based transformer for end-to-end speech recognition."
BLACK_HOLES = "Black hole mergers as tracers of galaxy populations"
IN_CONTEXT = "In-context learning through the Bayesian prism: transformers infer a mixture of tasks."
# The first eight of 384 values. The last digits of sums differ from processor to processor.
GOLDEN = {
    CTC: (-0.1493, -0.0780, -0.0400, -0.0963, -0.0735, 0.0577, -0.0324, -0.0167),
    BLACK_HOLES: (-0.0622, -0.0458, 0.0379, 0.0773, -0.0311, -0.0576, -0.0020, -0.0235),
    IN_CONTEXT: (-0.0353, -0.0245, 0.0287, 0.0006, 0.1313, -0.0166, 0.1103, 0.0072),
}
TEXTS = [CTC, "", BLACK_HOLES, "x", IN_CONTEXT, "ζ-функция 黎曼 🙂", "word " * 3000, "CTC"]


@pytest.fixture(scope="module")
def endpoint(wordllama: WordLlama) -> Iterator[Endpoint]:
    with Service(wordllama).running() as service:
        yield Endpoint(Embedding(url=service.url, model="wordllama"))


@pytest.fixture(params=["minilm", "wordllama", "endpoint"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    given: Encoder = request.getfixturevalue(request.param)
    return given


def test_a_matrix_of_unit_vectors_comes_back(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimensions)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.allclose(lengths[[text != "" for text in TEXTS]], 1, atol=1e-5)


def test_an_empty_text_has_a_vector_of_length_one_or_zero(encoder: Encoder) -> None:
    (length,) = np.linalg.norm(encoder.encode([""]), axis=1)
    assert length == pytest.approx(0, abs=1e-6) or length == pytest.approx(1, abs=1e-5)


def test_no_texts_give_an_empty_matrix(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimensions)


def test_a_lone_surrogate_is_no_obstacle(encoder: Encoder) -> None:
    broken, clean = encoder.encode(["speech \ud800 recognition", "speech ? recognition"])
    assert np.isfinite(broken).all()
    assert float(broken @ clean) > 0.99


def test_a_text_is_cut_where_the_limit_is(encoder: Encoder) -> None:
    long, longer = encoder.encode(["speech " * 2000, "speech " * 2000 + "galaxies " * 2000])
    assert np.allclose(long, longer, atol=1e-6)


def test_neither_order_nor_company_changes_a_vector(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    for other in (backwards, alone):
        assert np.allclose(together, other, atol=1e-5)


@settings(max_examples=25)
@given(st.lists(st.text(st.characters(), max_size=60), max_size=5))
def test_no_text_is_refused(minilm: MiniLM, wordllama: WordLlama, texts: list[str]) -> None:
    for encoder in (minilm, wordllama):
        vectors = encoder.encode(texts)
        assert vectors.shape == (len(texts), encoder.dimensions)
        assert np.isfinite(vectors).all()


def test_texts_on_one_subject_are_nearer_than_others(encoder: Encoder) -> None:
    texts = ["automatic speech recognition", "recognising spoken words", "gravitational waves", "protein folding"]
    near = encoder.encode(texts) @ encoder.encode(texts).T
    assert near[0, 1] > max(near[0, 2], near[0, 3], near[1, 2], near[1, 3]) + 0.1


def test_encoders_of_different_vectors_have_different_names(minilm: MiniLM, wordllama: WordLlama) -> None:
    names = {minilm.name, wordllama.name, MiniLM(tokens=64).name, WordLlama(tokens=64).name}
    assert len(names) == 4
    assert MiniLM().name == minilm.name


def test_minilm_gives_the_vectors_it_is_known_for(minilm: MiniLM) -> None:
    vectors = minilm.encode(list(GOLDEN))
    assert np.allclose(vectors[:, :8], list(GOLDEN.values()), atol=0.01)


def test_minilm_gives_the_cosines_it_is_known_for(minilm: MiniLM) -> None:
    ctc, holes, learning, words, speech = minilm.encode(
        [CTC, BLACK_HOLES, IN_CONTEXT, "recognising spoken words", "automatic speech recognition"]
    )
    assert float(ctc @ speech) == pytest.approx(0.478, abs=0.02)
    assert float(speech @ words) == pytest.approx(0.642, abs=0.02)
    assert float(ctc @ holes) == pytest.approx(0.021, abs=0.02)
    assert float(ctc @ learning) == pytest.approx(0.178, abs=0.02)


def copied(package: str, paths: Sequence[str], folder: Path, name: str) -> None:
    """Copy an installed package's data files into a package of another name."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    for path in paths:
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(spec.submodule_search_locations[0], path), folder / name / path)
    (folder / name / "__init__.py").write_text("raise AssertionError('the package must not be imported')\n")


@pytest.mark.parametrize(
    "file",
    [minilm_module._MODEL, minilm_module._TOKENIZER, wordllama_module._TABLE, wordllama_module._TOKENIZER],
    ids=lambda file: Path(file[1]).name,
)
def test_a_changed_or_missing_model_file_is_refused(
    file: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, path, digest = file
    copy = f"copy_of_{package}_{Path(path).stem}".replace("-", "_")
    copied(package, [path], tmp_path, copy)
    monkeypatch.syspath_prepend(tmp_path)
    there = checked_file(copy, path, digest)
    assert there == tmp_path / copy / path

    with there.open("r+b") as handle:
        handle.seek(1000)
        (byte,) = handle.read(1)
        handle.seek(1000)
        handle.write(bytes([byte ^ 1]))
    with pytest.raises(EncoderError, match="is not the file that this version was tested with") as changed:
        checked_file(copy, path, digest)
    assert str(there) in changed.value.message
    assert "install" in changed.value.hint

    there.unlink()
    with pytest.raises(EncoderError, match=r"is not installed.*make setup"):
        checked_file(copy, path, digest)


@pytest.mark.parametrize("missing", ["onnxruntime", "tokenizers"])
def test_minilm_without_its_libraries_says_what_to_install_or_to_set(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # which makes an import of it fail
    with pytest.raises(EncoderError, match=f"minilm cannot be loaded: .*{missing}") as told:
        MiniLM()
    assert "pip install onnxruntime" in told.value.hint
    assert 'ranking.encoder = "wordllama"' in told.value.hint


def test_wordllama_needs_no_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert WordLlama().encode([CTC]).shape == (1, 256)


def test_wordllama_without_its_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(EncoderError, match=r"wordllama cannot be loaded: .*pip install 'newsletter\[wordllama\]'"):
        WordLlama()


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(EncoderError, match="no_such_package is not installed"):
        checked_file("no_such_package", "model.onnx", "")


class Counted:
    """An encoder that notes what it is asked, and is interrupted before a text."""

    def __init__(self, encoder: Encoder, stop_before: str = "\0") -> None:
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self.asked: list[str] = []
        self._encoder = encoder
        self._stop_before = stop_before

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self._stop_before in texts:
            raise KeyboardInterrupt
        self.asked += texts
        return self._encoder.encode(texts)


def test_a_text_is_encoded_once_ever(tmp_path: Path, wordllama: WordLlama) -> None:
    url = f"sqlite:///{tmp_path / 'newsletter.db'}"
    told: list[int] = []
    with Store(url) as store:
        first = Counted(wordllama)
        cached = CachedEncoder(first, store.vectors, told.append)
        once = cached.encode([CTC, BLACK_HOLES, CTC])
        again = cached.encode([BLACK_HOLES, IN_CONTEXT])
    assert sorted(first.asked) == sorted([CTC, BLACK_HOLES, IN_CONTEXT])
    assert sum(told) == 5
    with Store(url) as store:
        second = Counted(wordllama)
        later = CachedEncoder(second, store.vectors).encode([IN_CONTEXT, CTC, BLACK_HOLES, CTC])
    assert second.asked == []
    assert np.array_equal(later, np.vstack([again[1], once]).astype(np.float32)[[0, 1, 2, 3]])
    assert np.array_equal(once[0], once[2])


def test_vectors_are_kept_as_half_floats_and_fresh_ones_are_no_better(wordllama: WordLlama) -> None:
    with Store("sqlite://") as store:
        fresh = CachedEncoder(wordllama, store.vectors).encode([CTC])
    assert np.array_equal(fresh, wordllama.encode([CTC]).astype(np.float16).astype(np.float32))
    assert fresh.dtype == np.float32


def test_vectors_of_another_encoder_are_not_taken(minilm: MiniLM, wordllama: WordLlama) -> None:
    with Store("sqlite://") as store:
        CachedEncoder(wordllama, store.vectors).encode([CTC])
        counted = Counted(minilm)
        assert CachedEncoder(counted, store.vectors).encode([CTC]).shape == (1, 384)
    assert counted.asked == [CTC]


def test_an_interrupted_run_keeps_what_was_encoded(tmp_path: Path, wordllama: WordLlama) -> None:
    texts = [f"{'x' * number} {number}" for number in range(600)]  # by length, so that the last comes last
    url = f"sqlite:///{tmp_path / 'newsletter.db'}"
    with Store(url) as store, pytest.raises(KeyboardInterrupt):
        CachedEncoder(Counted(wordllama, stop_before=texts[-1]), store.vectors).encode(texts)
    with Store(url) as store:
        second = Counted(wordllama)
        assert len(CachedEncoder(second, store.vectors).encode(texts)) == 600
    assert second.asked == texts[512:]


def test_no_texts_need_no_cache(wordllama: WordLlama) -> None:
    with Store("sqlite://") as store:
        assert CachedEncoder(wordllama, store.vectors).encode([]).shape == (0, 256)


def test_minilm_gives_the_vectors_of_the_model_as_it_was_exported(minilm: MiniLM) -> None:
    texts = [text for text in TEXTS if text]
    exported = onnxruntime.InferenceSession(str(checked_file(*minilm_module._MODEL)))
    expected = []
    for text in texts:
        ids = np.array([minilm._tokenizer.encode(text).ids])
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = exported.run(None, inputs)[0][0].mean(axis=0)
        expected.append(mean / np.linalg.norm(mean))
    assert np.allclose(minilm.encode(texts), expected, atol=1e-5)


def test_a_file_that_holds_no_bert_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "none.onnx"
    for none in (b"", b"not a model", b"\x3a\x02\x0a\x00", b"\x3a\x7f\x0a\x00", b"\xff" * 99, b"\x3b\x00"):
        file.write_bytes(none)
        with pytest.raises(ValueError, match=r"none\.onnx holds no BERT"):
            laid_out(file, tmp_path)


def test_rows_of_a_vocabulary_are_read_from_a_file_that_is_gone(tmp_path: Path) -> None:
    octets = np.arange(-60, 60, dtype=np.int8).reshape(30, 4)
    factors = np.linspace(0.01, 0.3, 30, dtype=np.float32)[:, None]
    file = tmp_path / "model"
    file.write_bytes(b"before" + octets.tobytes() + b"behind")
    vocabulary = Vocabulary("words", file, 6, factors, 4)
    file.unlink()
    assert np.array_equal(vocabulary.rows([29, 0, 0, 7]), (octets * factors)[[29, 0, 0, 7]])


def test_without_room_for_temporary_files_minilm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(EncoderError, match="MB of room for temporary files"):
        MiniLM()
