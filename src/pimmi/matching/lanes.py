"""Codes compared LANES at a time, in the wide instructions of whatever processor this is."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16

_WORD = ir.IntType(64)
_WORDS = ir.VectorType(_WORD, LANES)


@intrinsic
def _compare(typing_context, first, second, start, one, other, most):  # type: ignore[no-untyped-def]
    """uint64, a bit for each of the LANES codes from `start` on, the first in the lowest: whether its two words, in the
    arrays uint64 `first` and `second`, differ from `one` and `other` in at most `most` bits.

    Both arrays must be LANES longer than their last code.
    """
    arguments = (first, second, types.int64, types.uint64, types.uint64, types.int64)
    return types.uint64(*arguments), _near_lanes


near_lanes: Any = _compare


def _near_lanes(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    arrays, start, words, most = arguments[:2], arguments[2], arguments[3:5], arguments[5]
    of_words: Any = cgutils.get_or_insert_function
    ones = of_words(builder.module, ir.FunctionType(_WORDS, [_WORDS]), f"llvm.ctpop.v{LANES}i64")
    apart = ir.Constant(_WORDS, [0] * LANES)
    for kind, array, word in zip(signature.args[:2], arrays, words, strict=True):
        data = context.make_array(kind)(context, builder, array).data
        place = builder.bitcast(builder.gep(data, [start]), _WORDS.as_pointer())
        codes = builder.load(place, typ=_WORDS, align=8)
        apart = builder.add(apart, builder.call(ones, [builder.xor(codes, _filled(builder, word))]))
    near = builder.icmp_unsigned("<=", apart, _filled(builder, most))
    return builder.zext(builder.bitcast(near, ir.IntType(LANES)), _WORD)


def _filled(builder: Any, word: Any) -> Any:
    """The same word in all lanes."""
    undefined = ir.Constant(_WORDS, ir.Undefined)
    first = builder.insert_element(undefined, word, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, lanes)
