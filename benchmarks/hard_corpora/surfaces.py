"""Pages of text, charts and patterns: all different, and alike in every detail."""

from hard_corpora.charts import ChartPainter
from hard_corpora.pages import draw_style, make_page
from hard_corpora.textures import TEXTURES, make_texture
from hard_corpora.writing import CorpusWriter


def write_surfaces(
    corpus: CorpusWriter, *, pages: int, charts: int, textures: int, pages_a_style: int
) -> None:
    """Distractors only. Each `pages_a_style` pages have one style, all charts have one, and textures have kinds."""
    for number in range(pages):
        style = corpus.generator("style", number // pages_a_style)
        page = make_page(corpus.generator("page", number), style=draw_style(style))
        corpus.add_distractor(page, name=f"page-{number}")
    painter = ChartPainter()
    for number in range(charts):
        corpus.add_distractor(painter.paint(corpus.generator("chart", number)), name=f"chart-{number}")
    for number in range(textures):
        texture = make_texture(corpus.generator("texture", number), kind=number % len(TEXTURES))
        corpus.add_distractor(texture, name=f"texture-{number}")
