"""The three leaves of the compiled kernel: gather, correlate, scatter, as native functions.

All arithmetic of a correlation happens in one place, `correlate`, on dense float64 scratch. It
takes a run of `count` outputs whose taps lie `distance` samples apart: distance 1 filters along the
last axis, the row pitch filters across rows, 3 filters pixels of three channels. Outputs stay in
registers while all their taps are added, so LLVM's explicit vectors are written here by hand; left
to its auto-vectoriser the sum would go through memory at every tap.

**Same bits.** `NI_Correlate1D` adds in a fixed order, and a vector lane does just what SciPy's
scalar loop does. With c the centre tap and the others from the farthest pair to the nearest:

    symmetric       acc = x[c] w[c];  acc += (x[c-k] + x[c+k]) w[c-k]
    antisymmetric   acc = x[c] w[c];  acc += (x[c-k] - x[c+k]) w[c-k]
    plain           acc = x[last] w[last];  acc += x[t] w[t], t from the first

There are no fast-math flags, so LLVM neither reorders nor contracts to a fused multiply-add.

**Casts** are those gcc compiles for x86-64 (`cvttsd2si`), spelt out so that none is undefined:
integers up to 16 bits and int32 go through int32, uint32 through int64, and what does not fit
becomes the most negative number of that width before its upper bits are dropped; uint64 above 2^63
is converted less 2^63. Bool is an unsigned char.

**NaN.** When two NaNs with different bits meet, which one results depends on the operand order of
the machine code. `classify` finds scratch where that could happen; SciPy computes those.
An invalid operation makes 0xFFF8000000000000, so as long as no other NaN comes in with the samples
or the fill values, all are alike and nothing needs to be checked.

The functions are reached by address, so the executor is compiled once for all dtypes.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

SYMMETRIC, ANTISYMMETRIC, PLAIN = range(3)
CLEAR, SEEN, AMBIGUOUS = range(3)
LANES = 8  # one AVX-512 register, two of AVX2, four of SSE2
UNROLL = 4  # sums in flight: they hide the latency of an addition
LARGEST = 1e200  # sums of samples up to here stay finite while the weights stay below 1e100
DEFAULT_NAN = -0x0008000000000000  # its bits as int64

_DOUBLE = ir.DoubleType()
_INT64 = ir.IntType(64)
_VECTOR = ir.VectorType(_DOUBLE, LANES)


def _const(value: int) -> Any:
    return ir.Constant(_INT64, value)


class _BlockSums:
    """Emits the loads and the sums of one block of outputs; all values are LLVM's."""

    def __init__(self, builder: Any, args: Sequence[Any], first: Any, width: int) -> None:
        self.builder = builder
        self.source, self.target, _, self.distance, self.weights, self.size = args
        self.first = first
        self.width = width
        self.sums = [cgutils.alloca_once(builder, _VECTOR) for _ in range(width)]

    def _address(self, start: Any, index: Any, kind: Any) -> Any:
        offset = self.builder.mul(index, _const(8))
        return self.builder.inttoptr(self.builder.add(start, offset), kind.as_pointer())

    def sample(self, tap: Any, lane: int) -> Any:
        """Load the samples that `tap` reads for one vector of outputs."""
        b = self.builder
        index = b.add(b.add(self.first, b.mul(tap, self.distance)), _const(lane * LANES))
        return b.load(self._address(self.source, index, _VECTOR), align=8)

    def weight(self, tap: Any) -> Any:
        """Broadcast one weight."""
        b = self.builder
        scalar = b.load(self._address(self.weights, tap, _DOUBLE), align=8)
        single = b.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, _const(0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return b.shuffle_vector(single, single, lanes)

    def begin(self, tap: Any) -> None:
        """Set the sums to the product of one tap."""
        weight = self.weight(tap)
        for lane, total in enumerate(self.sums):
            self.builder.store(self.builder.fmul(self.sample(tap, lane), weight), total)

    def add(self, tap: Any, term: Callable[[Any, int], Any]) -> None:
        """Add ``term * weight[tap]`` to the sums."""
        b = self.builder
        weight = self.weight(tap)
        for lane, total in enumerate(self.sums):
            b.store(b.fadd(b.load(total), b.fmul(term(tap, lane), weight)), total)

    def end(self) -> None:
        """Write the sums out."""
        for lane, total in enumerate(self.sums):
            index = self.builder.add(self.first, _const(lane * LANES))
            where = self._address(self.target, index, _VECTOR)
            self.builder.store(self.builder.load(total), where, align=8)


def _emit_block(block: _BlockSums, kind: int) -> None:
    b, last = block.builder, block.builder.sub(block.size, _const(1))
    centre = b.lshr(block.size, _const(1))
    combine = b.fsub if kind == ANTISYMMETRIC else b.fadd

    def pair(tap: Any, lane: int) -> Any:
        return combine(block.sample(tap, lane), block.sample(b.sub(last, tap), lane))

    block.begin(last if kind == PLAIN else centre)
    with cgutils.for_range(b, last if kind == PLAIN else centre) as loop:
        block.add(loop.index, block.sample if kind == PLAIN else pair)
    block.end()


def _emit_sweep(builder: Any, args: Sequence[Any], kind: int) -> None:
    count = args[2]
    step = LANES * UNROLL
    whole = builder.and_(count, _const(-step))
    for start, stop, width in ((_const(0), whole, UNROLL), (whole, count, 1)):
        stride = _const(LANES * width)
        with cgutils.for_range_slice(builder, start, stop, stride, inc=True) as (index, _):
            _emit_block(_BlockSums(builder, args, index, width), kind)


def _sweep(kind: int) -> Any:
    def sweep(_context: Any, *operands: Any) -> tuple[Any, Any]:
        def codegen(_: Any, builder: Any, __: Any, args: Sequence[Any]) -> Any:
            _emit_sweep(builder, args, kind)

        return types.void(*operands), codegen

    def typed(
        context: Any, source: Any, target: Any, count: Any, distance: Any, taps: Any, size: Any
    ) -> tuple[Any, Any]:
        return sweep(context, source, target, count, distance, taps, size)

    return intrinsic(typed)


_sweep_symmetric = _sweep(SYMMETRIC)
_sweep_antisymmetric = _sweep(ANTISYMMETRIC)
_sweep_plain = _sweep(PLAIN)


def _element(builder: Any, pointer: Any, offset: Any) -> Any:
    """Move a typed pointer by bytes."""
    raw = builder.bitcast(pointer, ir.IntType(8).as_pointer())
    return builder.bitcast(builder.gep(raw, [offset]), pointer.type)


def _emit_load(b: Any, pointer: Any, offset: Any, step: Any, lanes: int) -> Any:
    """Load elements `step` bytes apart (None: contiguous), aligned or not, as a vector."""
    where = _element(b, pointer, offset)
    kind = ir.VectorType(pointer.type.pointee, lanes)
    if step is None:
        return b.load(b.bitcast(where, kind.as_pointer()), align=1)
    value = ir.Constant(kind, ir.Undefined)
    for lane in range(lanes):
        place = _element(b, where, b.mul(step, _const(lane)))
        value = b.insert_element(value, b.load(place, align=1), _const(lane))
    return value


def _emit_store(b: Any, value: Any, pointer: Any, offset: Any, step: Any, lanes: int) -> None:
    """Store a vector in elements `step` bytes apart (None: contiguous), aligned or not."""
    where = _element(b, pointer, offset)
    if step is None:
        b.store(value, b.bitcast(where, value.type.as_pointer()), align=1)
        return
    for lane in range(lanes):
        place = _element(b, where, b.mul(step, _const(lane)))
        b.store(b.extract_element(value, _const(lane)), place, align=1)


def _move(lanes: int, dense: bool) -> Any:
    """Make an intrinsic that casts and moves elements: ``move(from, at, step, to, at, step)``.

    Offsets and steps count bytes; `dense` says that both sides are contiguous.
    """

    def move(_: Any, source: Any, at: Any, step: Any, target: Any, to: Any, pace: Any) -> Any:
        def codegen(_: Any, b: Any, __: Any, args: Sequence[Any]) -> None:
            steps = (None, None) if dense or lanes == 1 else (args[2], args[5])
            value = _emit_load(b, args[0], args[1], steps[0], lanes)
            number = _emit_cast(b, value, source.dtype, target.dtype, lanes)
            _emit_store(b, number, args[3], args[4], steps[1], lanes)

        return types.void(source, at, step, target, to, pace), codegen

    return intrinsic(move)


_move_one = _move(1, dense=True)
_move_dense = _move(LANES, dense=True)
_move_apart = _move(LANES, dense=False)


@intrinsic
def _peek(_context: Any, pointer: Any, offset: Any) -> tuple[Any, Any]:
    """Load the element `offset` bytes after `pointer`."""

    def codegen(_: Any, builder: Any, __: Any, args: Sequence[Any]) -> Any:
        return builder.load(_element(builder, *args), align=1)

    return pointer.dtype(pointer, offset), codegen


def _splat(kind: Any, number: Any, lanes: int) -> Any:
    return ir.Constant(ir.VectorType(kind, lanes), [number] * lanes)


def _emit_cast(b: Any, value: Any, old: Any, new: Any, lanes: int) -> Any:
    """Cast to or from float64; one of `old` and `new` is it."""
    if new == types.float64:
        return _emit_double(b, value, old, ir.VectorType(_DOUBLE, lanes))
    if new == types.float32:
        return b.fptrunc(value, ir.VectorType(ir.FloatType(), lanes))
    if new == types.uint64:
        return _emit_uint64(b, value, lanes)
    width = 64 if new in (types.int64, types.uint32) else 32
    number = _emit_signed(b, value, width, lanes)
    kind = ir.VectorType(ir.IntType(new.bitwidth), lanes)
    return number if new.bitwidth == width else b.trunc(number, kind)


def _emit_double(b: Any, value: Any, old: Any, kind: Any) -> Any:
    if old == types.float64:
        return value
    if old == types.float32:
        return b.fpext(value, kind)
    return b.sitofp(value, kind) if old.signed else b.uitofp(value, kind)


def _emit_signed(b: Any, value: Any, width: int, lanes: int) -> Any:
    """``cvttsd2si``: toward zero, and the most negative number for all that does not fit."""
    limit = float(2 ** (width - 1))
    low, bound = (">=", -limit) if width == 64 else (">", -limit - 1)
    above = b.fcmp_ordered(low, value, _splat(_DOUBLE, bound, lanes))
    below = b.fcmp_ordered("<", value, _splat(_DOUBLE, limit, lanes))
    kind = ir.IntType(width)
    number = b.fptosi(value, ir.VectorType(kind, lanes))
    return b.select(b.and_(above, below), number, _splat(kind, -(2 ** (width - 1)), lanes))


def _emit_uint64(b: Any, value: Any, lanes: int) -> Any:
    half = _splat(_DOUBLE, 2.0**63, lanes)
    upper = b.fcmp_ordered(">=", value, half)
    number = _emit_signed(b, b.select(upper, b.fsub(value, half), value), 64, lanes)
    carry = b.select(upper, _splat(_INT64, -(2**63), lanes), _splat(_INT64, 0, lanes))
    return b.xor(number, carry)


def _correlate(
    source: int, target: int, count: int, distance: int, taps: int, size: int, kind: int
) -> None:
    if kind == SYMMETRIC:
        _sweep_symmetric(source, target, count, distance, taps, size)
    elif kind == ANTISYMMETRIC:
        _sweep_antisymmetric(source, target, count, distance, taps, size)
    else:
        _sweep_plain(source, target, count, distance, taps, size)


def _gather(
    source: Any,
    row_step: int,
    step: int,
    rows: int,
    columns: int,
    width: int,
    target: Any,
    pitch: int,
) -> None:
    """Copy rows x columns samples, byte steps apart, to float64 rows `pitch` samples apart."""
    if pitch == columns and (columns == 1 or row_step == columns * step):
        step = row_step if columns == 1 else step
        rows, columns = 1, rows * columns
    whole = columns - columns % LANES
    for row in range(rows):
        start, place = row * row_step, row * pitch * 8
        if step == width:
            for i in range(0, whole, LANES):
                _move_dense(source, start + i * width, width, target, place + i * 8, 8)
        else:
            for i in range(0, whole, LANES):
                _move_apart(source, start + i * step, step, target, place + i * 8, 8)
        for i in range(whole, columns):
            _move_one(source, start + i * step, step, target, place + i * 8, 8)


def _scatter(
    target: Any,
    row_step: int,
    step: int,
    rows: int,
    columns: int,
    width: int,
    source: Any,
    pitch: int,
) -> None:
    """Cast rows x columns float64 samples, rows `pitch` apart, to where byte steps lead."""
    if pitch == columns and (columns == 1 or row_step == columns * step):
        step = row_step if columns == 1 else step
        rows, columns = 1, rows * columns
    whole = columns - columns % LANES
    for row in range(rows):
        start, place = row * row_step, row * pitch * 8
        if step == width:
            for i in range(0, whole, LANES):
                _move_dense(source, place + i * 8, 8, target, start + i * width, width)
        else:
            for i in range(0, whole, LANES):
                _move_apart(source, place + i * 8, 8, target, start + i * step, step)
        for i in range(whole, columns):
            _move_one(source, place + i * 8, 8, target, start + i * step, step)


def _classify_nans(samples: Any, bits: Any, count: int) -> int:
    """Tell what sums of these samples could make of NaNs: CLEAR, SEEN or AMBIGUOUS."""
    beyond = 0
    for i in range(count):
        beyond += not abs(_peek(samples, i * 8)) <= LARGEST
    if beyond == 0:
        return CLEAR
    pattern_of_nan, huge = 0, 0
    for i in range(count):
        value, pattern = _peek(samples, i * 8), _peek(bits, i * 8)
        if value != value:  # a NaN
            if pattern_of_nan not in (0, pattern):
                return AMBIGUOUS
            pattern_of_nan = pattern
        elif abs(value) > LARGEST:
            huge = 1
    if huge and pattern_of_nan not in (0, DEFAULT_NAN):
        return AMBIGUOUS
    return SEEN if pattern_of_nan else CLEAR


_I64 = types.int64
_F64 = types.CPointer(types.float64)


@functools.cache
def correlate_address() -> int:
    """Address of ``correlate(source, target, count, distance, taps, size, kind)``."""
    signature = types.void(_I64, _I64, _I64, _I64, _I64, _I64, _I64)
    return _compile(signature, _correlate)


@functools.cache
def classify_address() -> int:
    """Address of ``classify(samples, samples, count)``."""
    return _compile(_I64(_F64, types.CPointer(_I64), _I64), _classify_nans)


@functools.cache
def gather_address(dtype: np.dtype[Any]) -> int:
    """Address of ``gather(source, row_step, step, rows, columns, width, target, pitch)``."""
    pointer = types.CPointer(_numba_type(dtype))
    return _compile(types.void(pointer, _I64, _I64, _I64, _I64, _I64, _F64, _I64), _gather)


@functools.cache
def scatter_address(dtype: np.dtype[Any]) -> int:
    """Address of ``scatter(target, row_step, step, rows, columns, width, source, pitch)``."""
    pointer = types.CPointer(_numba_type(dtype))
    return _compile(types.void(pointer, _I64, _I64, _I64, _I64, _I64, _F64, _I64), _scatter)


def _numba_type(dtype: np.dtype[Any]) -> Any:
    return getattr(types, "uint8" if dtype.kind == "b" else dtype.name)


@functools.cache
def _compile(signature: Any, function: Callable[..., Any]) -> int:
    native = cfunc(signature, cache=True)(function)
    _kept.append(native)  # its address is valid while it exists
    return int(native.address)


_kept: list[Any] = []
