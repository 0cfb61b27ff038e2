"""Cleaning prompts: word for word what diffusers' pipeline encodes, and an error rather than another way in silence."""

import sys
import warnings

import pytest
from diffusers import IFPipeline
from hypothesis import given, settings
from hypothesis import strategies as st

from nodegraph_nodes.ops.captions import cleaned

pytestmark = pytest.mark.filterwarnings("ignore::bs4.MarkupResemblesLocatorWarning")  # of the pipeline's own cleaning

GOLDEN = {
    "  A Photo of a DOG  ": "a photo of a dog",
    "": "",
    "   ": "",
    "a man, wearing a hat.": "a man, wearing a hat.",
    "see https://example.com/a/b?c=d for more": "see ?c=d for more",
    "www.example.com is a site": "is a site",
    "a <b>bold</b> &amp; brave cat": "a bold brave cat",
    "<person> in the rain": "person in the rain",
    "a cat by @somebody": "a cat by",
    "水墨画 of a mountain": "of a mountain",
    "a dog — and a cat": "a dog - and a cat",
    "«quoted» ‘text’": "quoted\" 'text",
    "at 192.168.0.1 today": "at today",
    "#123 winner": "winner",
    "photo 1234567 of a lake": "photo of a lake",
    "holiday.jpg of a beach": "of a beach",
    '"""AUSVERKAUFT"""': "ausverkauft",
    "*** SALE *** (50%) [new] {x} | a/b \\ c": "sale 50% new x a b c",
    "this-is-my-cute-cat": "this is my cute cat",
    "a well-known cat": "a well-known cat",
    "jc6640 chair": "chair",
    "free shipping worldwide free shipping": "",
    "click here for more": "click here for more",
    "click for more": "",
    "wallpaper 1920x1080 of the sea": "wallpaper of the sea",
    "page 12 of a book": "of a book",
    "wait... what": "wait what",
    "a,b": "a, b",
    "caf\u00c3\u00a9 at night": "cafã at night",
    "100%25 wool + silk": "100% wool silk",
    "'tis a test-": "tis a test",
}
ODD = [
    "a photo of a hipster barista",
    "an oil painting of people around a campfire",
    "10:30 on a clock: time flies",
    "e=mc^2; a^2 + b^2 = c^2",
    "line one\nline two\ttabbed\\n",
    "emoji 🦊 and ligature ﬁ and ½",
    "<script>alert('x')</script> painting",
    "a & b &amp;amp; c &quot; d",
    "%3Cb%3Eurl%20quoted%3C/b%3E",
    ".hidden",
    ": colon first, comma last,",
    "a" * 3000,
    "</s> <pad> <extra_id_0>",
    "prompt.txt",
    "http://",
    "İstanbul ŞAPKA ẞ",
    "٣٤٥٦٧٨٩ rooms",
    "x1y2z3 abc123def 12ab34",
]


@pytest.fixture(scope="module")
def pipeline() -> IFPipeline:
    nothing = dict.fromkeys(
        ("tokenizer", "text_encoder", "unet", "scheduler", "safety_checker", "feature_extractor", "watermarker")
    )
    return IFPipeline(**nothing, requires_safety_checker=False)


@pytest.mark.parametrize("text", [*GOLDEN, *ODD])
def test_it_is_what_the_pipeline_encodes(pipeline, text):
    assert [cleaned(text, "clean caption")] == pipeline._text_preprocessing(text, clean_caption=True)
    assert [cleaned(text, "lower and strip")] == pipeline._text_preprocessing(text, clean_caption=False)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="aB1 .-_#&;:/<>x×'\"@%+(),", max_size=60))
def test_it_is_what_the_pipeline_encodes_whatever_is_typed(text):
    once = IFPipeline._clean_caption(IFPipeline, text)
    assert cleaned(text, "clean caption") == IFPipeline._clean_caption(IFPipeline, once)
    assert cleaned(text, "lower and strip") == text.lower().strip()


@pytest.mark.parametrize("text", GOLDEN)
def test_it_stays_what_it_was_when_diffusers_changes(text):
    assert cleaned(text, "clean caption") == GOLDEN[text]


def test_the_two_ways_differ_where_it_is_said():
    assert cleaned("A cat (1920x1080) - www.cats.com", "lower and strip") == "a cat (1920x1080) - www.cats.com"
    assert cleaned("A cat (1920x1080) - www.cats.com", "clean caption") == "a cat"


def test_prompts_that_look_like_files_bring_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cleaned("prompt.txt", "clean caption")
        cleaned("https:", "clean caption")


@pytest.mark.parametrize(
    ("gone", "named"), [(["bs4"], "beautifulsoup4"), (["ftfy"], "ftfy"), (["bs4", "ftfy"], "beautifulsoup4 and ftfy")]
)
def test_what_it_needs_is_named_when_it_is_missing(monkeypatch, gone, named):
    for module in gone:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=f"'clean caption', which needs {named}; pip install .* 'lower and strip'"):
        cleaned("A photo", "clean caption")
    assert cleaned("A photo ", "lower and strip") == "a photo"


def test_another_way_is_refused():
    with pytest.raises(ValueError, match="cleaning is 'scrub', must be one of 'clean caption', 'lower and strip'"):
        cleaned("a", "scrub")
