"""Make a corpus of hard negatives or hard groups.

    python benchmarks/make_hard.py frames --pictures DIR [DIR...] -o OUT
    python benchmarks/make_hard.py memes --pictures DIR [DIR...] -o OUT
    python benchmarks/make_hard.py surfaces -o OUT
    python benchmarks/make_hard.py composites --pictures DIR [DIR...] -o OUT

writes OUT/images and OUT/truth.csv. The folders may have subfolders. Pictures that look alike are used once; other
copies among them must be left out with --leave-out.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from hard_corpora.composites import write_composites
from hard_corpora.frames import write_frames
from hard_corpora.memes import write_memes
from hard_corpora.pictures import Picture, draw_pictures
from hard_corpora.surfaces import write_surfaces
from hard_corpora.writing import CorpusWriter
from pimmi.errors import PimmiError


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make a corpus of hard negatives or hard groups.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kind = kinds.add_parser("frames", help="unrelated pictures in one app, or with one emoji")
    kind.add_argument("--framed", type=int, default=2000, help="pictures in the app")
    kind.add_argument("--emoji", type=int, default=300, help="other pictures, with the emoji")
    kind.add_argument(
        "--families",
        type=int,
        default=60,
        help="pictures in the app that have two copies; half with the emoji",
    )
    kind.set_defaults(make=make_frames)
    kind = kinds.add_parser("memes", help="templates with many captions, and other pictures with one caption")
    kind.add_argument("--templates", type=int, default=50)
    kind.add_argument("--captions", type=int, default=40, help="of each template")
    kind.add_argument("--lettered", type=int, default=20, help="unrelated pictures with one caption")
    kind.set_defaults(make=make_memes)
    kind = kinds.add_parser("surfaces", help="pages of text, charts and patterns, all different")
    kind.add_argument("--pages", type=int, default=500)
    kind.add_argument("--pages-a-style", type=int, default=100, help="pages that have one font and layout")
    kind.add_argument("--charts", type=int, default=500)
    kind.add_argument("--textures", type=int, default=500)
    kind.set_defaults(make=make_surfaces)
    kind = kinds.add_parser("composites", help="pairs of pictures, copies of each, and images that show both")
    kind.add_argument("--pairs", type=int, default=100)
    kind.set_defaults(make=make_composites)
    for name, kind in kinds.choices.items():
        if name != "surfaces":
            kind.add_argument("--pictures", type=Path, nargs="+", required=True, help="folders of pictures")
            kind.add_argument(
                "--leave-out",
                nargs="+",
                default=[],
                metavar="PATTERN",
                help="pictures not to use, as in '*/faces/*': paths start at their folder of --pictures",
            )
        kind.add_argument("--seed", type=int, default=0)
        kind.add_argument("-o", "--output", type=Path, required=True)
    return parser.parse_args()


def drawn(arguments: argparse.Namespace, *, count: int) -> Iterator[Picture]:
    """As many pictures of the folders."""
    return draw_pictures(arguments.pictures, count=count, seed=arguments.seed, left_out=arguments.leave_out)


def make_frames(corpus: CorpusWriter, arguments: argparse.Namespace) -> None:
    write_frames(
        corpus,
        drawn(arguments, count=arguments.framed + arguments.emoji),
        framed=arguments.framed,
        with_emoji=arguments.emoji,
        families=arguments.families,
    )


def make_memes(corpus: CorpusWriter, arguments: argparse.Namespace) -> None:
    write_memes(
        corpus,
        drawn(arguments, count=arguments.templates + arguments.lettered),
        templates=arguments.templates,
        captions=arguments.captions,
        lettered=arguments.lettered,
    )


def make_surfaces(corpus: CorpusWriter, arguments: argparse.Namespace) -> None:
    write_surfaces(
        corpus,
        pages=arguments.pages,
        pages_a_style=arguments.pages_a_style,
        charts=arguments.charts,
        textures=arguments.textures,
    )


def make_composites(corpus: CorpusWriter, arguments: argparse.Namespace) -> None:
    write_composites(corpus, drawn(arguments, count=2 * arguments.pairs), pairs=arguments.pairs)


def main() -> None:
    arguments = parse_arguments()
    corpus = CorpusWriter(arguments.output, seed=arguments.seed)
    arguments.make(corpus, arguments)
    print(corpus.finish())


if __name__ == "__main__":
    try:
        main()
    except PimmiError as error:
        sys.exit(str(error))
