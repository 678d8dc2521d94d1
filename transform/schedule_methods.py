"""What type checkers see of the methods of schedules. Written by `python -m stepwell.tools.schedule`."""

from __future__ import annotations

from collections.abc import Sequence

from .recorder import Argument, Handle


class ScheduleMethods:
    """A method for each operation."""

    def add_unit_loop(self, *args: Argument, target: Handle | None = None) -> Handle:
        """Puts a loop that runs once around a loop or a block."""
        raise NotImplementedError

    def annotate(
        self, *args: Argument, target: Handle | None = None, param: Handle | None = None, name: Argument = None
    ) -> None:
        """Sets an attribute of the payload ops: a unit, or what the param holds."""
        raise NotImplementedError

    def apply_cse(self, *args: Argument, target: Handle | None = None) -> None:
        """Computes once what is computed twice in the payload ops."""
        raise NotImplementedError

    def apply_dce(self, *args: Argument, target: Handle | None = None) -> None:
        """Erases what is dead in the payload ops."""
        raise NotImplementedError

    def apply_licm(self, *args: Argument, target: Handle | None = None) -> None:
        """Moves what does not depend on a loop in front of it."""
        raise NotImplementedError

    def apply_registered_pass(
        self,
        *args: Argument,
        target: Handle | None = None,
        dynamic_options: Sequence[Handle] | None = None,
        pass_name: Argument = None,
        options: Argument = None,
    ) -> Handle:
        """Runs a pass on the payload ops."""
        raise NotImplementedError

    def bind(self, *args: Argument, loop: Handle | None = None, thread: Argument = None) -> None:
        """Gives a loop's iterations to a processor's threads by name."""
        raise NotImplementedError

    def blockize(self, *args: Argument, loop: Handle | None = None) -> None:
        """Makes one statement of the nest below a loop: its guards are tested once, in front of it."""
        raise NotImplementedError

    def cache_read(
        self,
        *args: Argument,
        block: Handle | None = None,
        buffer: Handle | None = None,
        at: Handle | None = None,
        along: Handle | None = None,
        memory_space: Argument = None,
    ) -> Handle:
        """Copies what a block reads of a buffer into a staged buffer, once for each iteration of the loop (else
        once)."""
        raise NotImplementedError

    def cache_write(
        self, *args: Argument, block: Handle | None = None, at: Handle | None = None, memory_space: Argument = None
    ) -> Handle:
        """Lets a block write into a staged buffer, copied out at the end of each iteration of the loop (else
        once)."""
        raise NotImplementedError

    def cast(self, *args: Argument, input: Handle | None = None) -> Handle:
        """The same payload under another handle type; refused where an op does not have the type's name."""
        raise NotImplementedError

    def check_contiguous(self, *args: Argument, target: Handle | None = None) -> None:
        """Accepts loops in which each access moves by 0 or 1 element an iteration, so that vector lanes need no
        gathers."""
        raise NotImplementedError

    def check_factors(self, *args: Argument, target: Handle | None = None, types: Argument = None) -> None:
        """Refuses blocks that do not sum products of elements of these types, the left factor's and the right
        one's."""
        raise NotImplementedError

    def check_structure(
        self,
        *args: Argument,
        target: Handle | None = None,
        kind: Argument = None,
        spatial: Argument = None,
        reduce: Argument = None,
        ordered: Argument = None,
        rank: Argument = None,
        element_type: Argument = None,
        constant: Argument = None,
    ) -> None:
        """Accepts blocks that look as asked for; for matchers."""
        raise NotImplementedError

    def coalesce(self, *args: Argument, loops: Sequence[Handle] | None = None) -> Handle:
        """Makes one loop of loops directly inside of one another; one loop stays what it is."""
        raise NotImplementedError

    def compute_at(self, *args: Argument, block: Handle | None = None, loop: Handle | None = None) -> None:
        """Moves a producer into a loop of its consumer."""
        raise NotImplementedError

    def compute_inline(self, *args: Argument, block: Handle | None = None) -> None:
        """Computes what a block writes where it is read, and erases the block."""
        raise NotImplementedError

    def constrain(self, *args: Argument, params: Sequence[Handle | int] | None = None, kind: Argument = None) -> None:
        """Refuses a script whose params do not relate as asked."""
        raise NotImplementedError

    def debug_emit_param_as_remark(
        self, *args: Argument, param: Handle | None = None, anchor: Handle | None = None, message: Argument = None
    ) -> None:
        """Tells the values of a param."""
        raise NotImplementedError

    def debug_emit_remark_at(self, *args: Argument, at: Handle | None = None, message: Argument = None) -> None:
        """Says something about the payload ops."""
        raise NotImplementedError

    def decompose_padding(self, *args: Argument, block: Handle | None = None) -> Handle:
        """Makes a block that pads one that writes the constant everywhere, and one that then writes what lies
        inside."""
        raise NotImplementedError

    def decompose_reduction(self, *args: Argument, block: Handle | None = None, loop: Handle | None = None) -> Handle:
        """Makes a block of a reduction's init, in front of the loop."""
        raise NotImplementedError

    def fuse_reduction_epilogue(self, *args: Argument, block: Handle | None = None) -> None:
        """Lets a reduction start from what a consumer combines its result with, and erases the consumer."""
        raise NotImplementedError

    def fuse_sibling(self, *args: Argument, loop: Handle | None = None, into: Handle | None = None) -> Handle:
        """Makes one loop of two of the same extent beside one another, where the second one stands."""
        raise NotImplementedError

    def get_child_blocks(
        self, *args: Argument, target: Handle | None = None, results: int | None = None
    ) -> tuple[Handle, ...]:
        """The blocks inside of the loops or functions, in program order: one result each, or one for all."""
        raise NotImplementedError

    def get_constant_inputs(self, *args: Argument, target: Handle | None = None) -> Handle:
        """The buffers that a block reads and that are model constants, each once, in program order."""
        raise NotImplementedError

    def get_consumers(
        self, *args: Argument, target: Handle | None = None, transitive: Argument = None, results: int | None = None
    ) -> tuple[Handle, ...]:
        """The blocks that read what the blocks write, in program order; with `transitive` all that depend on the
        blocks."""
        raise NotImplementedError

    def get_consumers_of_result(
        self, *args: Argument, target: Handle | None = None, result_number: Argument = None
    ) -> Handle:
        """The ops that use a result of the one payload op."""
        raise NotImplementedError

    def get_contraction_inputs(self, *args: Argument, target: Handle | None = None) -> tuple[Handle, ...]:
        """The buffers of a contraction's factors: the left one, and the right one, which moves along the output's
        last dimension."""
        raise NotImplementedError

    def get_contraction_loops(self, *args: Argument, target: Handle | None = None) -> tuple[Handle, ...]:
        """The loops of a contraction by role: batch, m, n (which moves along the output's last dimension), k."""
        raise NotImplementedError

    def get_crossing_loop(self, *args: Argument, target: Handle | None = None) -> Handle:
        """The loop along which a block reads neighbours where it does not along its innermost one, as a transpose
        does."""
        raise NotImplementedError

    def get_defining_op(self, *args: Argument, target: Handle | None = None) -> Handle:
        """The ops that define the values."""
        raise NotImplementedError

    def get_element_bytes(self, *args: Argument, target: Handle | None = None) -> Handle:
        """How many bytes an element of what the block writes takes."""
        raise NotImplementedError

    def get_extent(self, *args: Argument, target: Handle | None = None) -> Handle:
        """The extents of the loops."""
        raise NotImplementedError

    def get_group_loop(
        self, *args: Argument, target: Handle | None = None, out: Handle | None = None
    ) -> tuple[Handle, ...]:
        """The loop around a block that reads a contraction's sums, along which it reads of one group of results after
        the other, as those of a grouped convolution lie, and how many results a group has."""
        raise NotImplementedError

    def get_innermost(self, *args: Argument, loops: Handle | None = None) -> tuple[Handle, ...]:
        """Of some loops, the last one, and the others in their order."""
        raise NotImplementedError

    def get_kernel(self, *args: Argument, target: Handle | None = None) -> Handle:
        """The functions that the ops are in, each once."""
        raise NotImplementedError

    def get_longest(self, *args: Argument, loops: Handle | None = None) -> tuple[Handle, ...]:
        """Of some loops, the one with the most iterations (the last of several), and the others in their order."""
        raise NotImplementedError

    def get_loops(
        self,
        *args: Argument,
        target: Handle | None = None,
        of: Argument = None,
        moving: Argument = None,
        rest: Argument = None,
        results: int | None = None,
    ) -> tuple[Handle, ...]:
        """The loops around the one block (or op), outermost first; with `of`, those that bind iterators of that kind;
        with `moving`, those that run more than once."""
        raise NotImplementedError

    def get_operand(
        self,
        *args: Argument,
        target: Handle | None = None,
        raw_position_list: Argument = None,
        is_inverted: Argument = None,
        is_all: Argument = None,
    ) -> Handle:
        """Operands of the payload ops."""
        raise NotImplementedError

    def get_panel_loops(
        self,
        *args: Argument,
        target: Handle | None = None,
        panel: Handle | None = None,
        out: Handle | None = None,
        inside: Handle | None = None,
    ) -> tuple[Handle, ...]:
        """The loops around a contraction, or around a block that reads its sums, by what moves with them: both inputs
        or none (and loops that run once); the input that is not the panel, the innermost of these loops apart; the
        panel, the longest of these loops apart."""
        raise NotImplementedError

    def get_parent_op(
        self,
        *args: Argument,
        target: Handle | None = None,
        isolated_from_above: Argument = None,
        allow_empty_results: Argument = None,
        op_name: Argument = None,
        deduplicate: Argument = None,
        nth_parent: Argument = None,
    ) -> Handle:
        """The ops around the payload: the `nth_parent` that has the name and is isolated, as asked for."""
        raise NotImplementedError

    def get_points(self, *args: Argument, target: Handle | None = None) -> Handle:
        """How many points the domains of the blocks have."""
        raise NotImplementedError

    def get_producer_of_operand(
        self, *args: Argument, target: Handle | None = None, operand_number: Argument = None
    ) -> Handle:
        """The op that defines an operand."""
        raise NotImplementedError

    def get_producers(
        self, *args: Argument, target: Handle | None = None, transitive: Argument = None, results: int | None = None
    ) -> tuple[Handle, ...]:
        """The blocks that write what the blocks read, in program order; with `transitive` all that the blocks depend
        on."""
        raise NotImplementedError

    def get_reads(
        self, *args: Argument, target: Handle | None = None, results: int | None = None
    ) -> tuple[Handle, ...]:
        """The buffers that the block reads by `loop.read`, each once, by first read."""
        raise NotImplementedError

    def get_result(
        self,
        *args: Argument,
        target: Handle | None = None,
        raw_position_list: Argument = None,
        is_inverted: Argument = None,
        is_all: Argument = None,
    ) -> Handle:
        """Results of the payload ops."""
        raise NotImplementedError

    def get_row_loops(
        self, *args: Argument, target: Handle | None = None, out: Handle | None = None
    ) -> tuple[Handle, ...]:
        """The loops around a block by what reductions before it do with their dimension (the first one says): those
        outside of the innermost one that it keeps, that one, and those over dimensions that it reduces."""
        raise NotImplementedError

    def get_stride(
        self, *args: Argument, target: Handle | None = None, buffer: Handle | None = None, loop: Handle | None = None
    ) -> Handle:
        """How many elements apart the block's accesses of the buffers are in neighbouring iterations of the loop."""
        raise NotImplementedError

    def get_tile_loops(
        self, *args: Argument, target: Handle | None = None, out: Handle | None = None
    ) -> tuple[Handle, ...]:
        """The loops around a contraction, or around a block that reads it, by their role in a tile of accumulators:
        others of both inputs (and those that run once), of the left one, of the right one; the one to unroll, and the
        one for vector lanes."""
        raise NotImplementedError

    def get_type(self, *args: Argument, value: Handle | None = None, elemental: Argument = None) -> Handle:
        """The types of the values, or of their elements."""
        raise NotImplementedError

    def get_writes(
        self, *args: Argument, target: Handle | None = None, results: int | None = None
    ) -> tuple[Handle, ...]:
        """The buffers that the block writes, each once."""
        raise NotImplementedError

    def interchange(
        self,
        *args: Argument,
        loops: Sequence[Handle] | None = None,
        permutation: Argument = None,
        results: int | None = None,
    ) -> tuple[Handle, ...]:
        """Reorders loops of one perfect nest: place `p` gets the loop `permutation[p]`."""
        raise NotImplementedError

    def loop_coalesce(self, *args: Argument, target: Handle | None = None) -> Handle:
        """Makes one loop of a loop and those perfectly nested in it."""
        raise NotImplementedError

    def loop_fuse_sibling(self, *args: Argument, target: Handle | None = None, source: Handle | None = None) -> Handle:
        """Fuses a loop into another one beside it, of the same extent."""
        raise NotImplementedError

    def loop_hoist_loop_invariant_subsets(self, *args: Argument, target: Handle | None = None) -> None:
        """Refused: kernels work on buffers, of which there are no subsets to hoist."""
        raise NotImplementedError

    def loop_outline(
        self, *args: Argument, target: Handle | None = None, func_name: Argument = None
    ) -> tuple[Handle, ...]:
        """Refused: a kernel is one function."""
        raise NotImplementedError

    def loop_peel(
        self,
        *args: Argument,
        target: Handle | None = None,
        peel_front: Argument = None,
        fail_if_already_divisible: Argument = None,
    ) -> tuple[Handle, ...]:
        """Makes a loop of its own of the first iteration; gives the loop over the others, then that one."""
        raise NotImplementedError

    def loop_pipeline(
        self,
        *args: Argument,
        target: Handle | None = None,
        iteration_interval: Argument = None,
        read_latency: Argument = None,
    ) -> Handle:
        """Refused: blocks have no latencies to hide; processors that run out of order do that."""
        raise NotImplementedError

    def loop_promote_if_one_iteration(self, *args: Argument, target: Handle | None = None) -> None:
        """Puts what is in a loop that runs once in its place; other loops stay."""
        raise NotImplementedError

    def loop_unroll(self, *args: Argument, target: Handle | None = None, factor: Argument = None) -> None:
        """Unrolls loops by a factor: each is tiled by it, and the tile marked to be unrolled."""
        raise NotImplementedError

    def loop_unroll_and_jam(self, *args: Argument, target: Handle | None = None, factor: Argument = None) -> None:
        """Lets some iterations of loops take their steps together, as `sched.unroll_and_jam` does."""
        raise NotImplementedError

    def match_block(self, *args: Argument, root: Handle | None = None, block_name: Argument = None) -> Handle:
        """The block with the canonical name, else the one with the alias."""
        raise NotImplementedError

    def match_kernel(self, *args: Argument, root: Handle | None = None, kernel_name: Argument = None) -> Handle:
        """The function with the name."""
        raise NotImplementedError

    def match_operation_empty(self, *args: Argument, operand_handle: Handle | None = None) -> None:
        """Accepts a handle without payload."""
        raise NotImplementedError

    def match_operation_name(
        self, *args: Argument, operand_handle: Handle | None = None, op_names: Argument = None
    ) -> None:
        """Accepts the one payload op if it has one of the names."""
        raise NotImplementedError

    def match_param_cmpi(
        self, *args: Argument, param: Handle | None = None, reference: Handle | None = None, predicate: Argument = None
    ) -> None:
        """Accepts params that compare as the predicate says, element by element."""
        raise NotImplementedError

    def match_structure(
        self,
        *args: Argument,
        root: Handle | None = None,
        kind: Argument = None,
        spatial: Argument = None,
        reduce: Argument = None,
        ordered: Argument = None,
        rank: Argument = None,
        element_type: Argument = None,
        constant: Argument = None,
    ) -> Handle:
        """The blocks that look as asked for, in program order; perhaps none."""
        raise NotImplementedError

    def match_structured_body(
        self,
        *args: Argument,
        operand_handle: Handle | None = None,
        reduction_position: Argument = None,
        passthrough: Argument = None,
        elementwise: Argument = None,
        contraction: Argument = None,
    ) -> None:
        """Accepts a block that only copies (`passthrough`), that computes each element from those at the same place
        (`elementwise`), that reduces (into output `reduction_position`), or that combines products: a `contraction`
        of two operations, by name."""
        raise NotImplementedError

    def match_structured_dim(
        self,
        *args: Argument,
        operand_handle: Handle | None = None,
        raw_dim_list: Argument = None,
        is_inverted: Argument = None,
        is_all: Argument = None,
        parallel: Argument = None,
        reduction: Argument = None,
    ) -> Handle:
        """Accepts iterators that are parallel, or reductions, as asked for; gives their extents."""
        raise NotImplementedError

    def match_structured_num_inits(self, *args: Argument, operand_handle: Handle | None = None) -> Handle:
        """How many buffers the block writes."""
        raise NotImplementedError

    def match_structured_num_inputs(self, *args: Argument, operand_handle: Handle | None = None) -> Handle:
        """How many buffers the block reads."""
        raise NotImplementedError

    def match_structured_rank(self, *args: Argument, operand_handle: Handle | None = None) -> Handle:
        """How many iterators the block has."""
        raise NotImplementedError

    def merge_handles(
        self, *args: Argument, handles: Sequence[Handle] | None = None, deduplicate: Argument = None
    ) -> Handle:
        """One handle to the payload of all operands, each once if `deduplicate`."""
        raise NotImplementedError

    def multibuffer(self, *args: Argument, buffer: Handle | None = None, factor: Argument = None) -> None:
        """Makes several copies of a buffer that lives in a loop, whose iterations take turns."""
        raise NotImplementedError

    def num_associations(self, *args: Argument, handle: Handle | None = None) -> Handle:
        """How many payloads a handle has."""
        raise NotImplementedError

    def pack(
        self,
        *args: Argument,
        block: Handle | None = None,
        buffer: Handle | None = None,
        loop: Handle | None = None,
        size: Sequence[Handle | int] | None = None,
    ) -> None:
        """Lets what a block's accesses of a buffer reach along a loop lie side by side, in panels of some
        elements."""
        raise NotImplementedError

    def pad(
        self,
        *args: Argument,
        block: Handle | None = None,
        multiples: Sequence[Handle | int] | None = None,
        memory_space: Argument = None,
        results: int | None = None,
    ) -> tuple[Handle, ...]:
        """Rounds the extents of a block's iterators up to multiples, with neutral elements beyond their ends."""
        raise NotImplementedError

    def parallelize(
        self, *args: Argument, loop: Handle | None = None, grain: Handle | int | None = None, mapping: Argument = None
    ) -> None:
        """Marks a loop whose iterations run on all threads, at least `grain` on each."""
        raise NotImplementedError

    def param(self, *args: Argument, params: Sequence[Handle | int] | None = None, kind: Argument = None) -> Handle:
        """Computes a param from params and integers."""
        raise NotImplementedError

    def param_constant(self, *args: Argument, value: Argument = None) -> Handle:
        """A param with the given value."""
        raise NotImplementedError

    def peel(self, *args: Argument, loops: Sequence[Handle] | None = None) -> None:
        """Marks loops whose last iteration is emitted on its own."""
        raise NotImplementedError

    def pipeline(self, *args: Argument, loop: Handle | None = None, depth: Argument = None) -> None:
        """Lets what fills the buffers of a loop run iterations ahead of what reads them."""
        raise NotImplementedError

    def prefetch(
        self,
        *args: Argument,
        block: Handle | None = None,
        buffer: Handle | None = None,
        at: Handle | None = None,
        ahead: Argument = None,
    ) -> Handle:
        """Asks, in each iteration of a loop, for what a block reads of an argument in a later one."""
        raise NotImplementedError

    def print(
        self,
        *args: Argument,
        target: Handle | None = None,
        name: Argument = None,
        assume_verified: Argument = None,
        use_local_scope: Argument = None,
        skip_regions: Argument = None,
    ) -> None:
        """Prints the payload ops, or the whole payload."""
        raise NotImplementedError

    def reindex(
        self, *args: Argument, block: Handle | None = None, buffer: Handle | None = None, memory_space: Argument = None
    ) -> Handle:
        """Copies what a block reads of a buffer into one with a dimension for each iterator that the read depends
        on."""
        raise NotImplementedError

    def reorder(self, *args: Argument, loops: Sequence[Handle] | None = None) -> None:
        """Reorders loops of one perfect nest: handles say the new order, whatever the present one is."""
        raise NotImplementedError

    def reorder_iterators(self, *args: Argument, block: Handle | None = None, permutation: Argument = None) -> None:
        """Gives a block's iterators another order: place `p` gets the iterator `permutation[p]`."""
        raise NotImplementedError

    def replicate(
        self,
        *args: Argument,
        pattern: Handle | None = None,
        handles: Sequence[Handle] | None = None,
        results: int | None = None,
    ) -> tuple[Handle, ...]:
        """The handles' payloads, as many times as the pattern has payloads."""
        raise NotImplementedError

    def reverse(self, *args: Argument, target: Handle | None = None) -> Handle:
        """The same payload, last first."""
        raise NotImplementedError

    def reverse_compute_at(self, *args: Argument, block: Handle | None = None, loop: Handle | None = None) -> None:
        """Moves a consumer into a loop of its producer."""
        raise NotImplementedError

    def reverse_compute_inline(self, *args: Argument, block: Handle | None = None) -> None:
        """Computes what a consumer writes where its only producer computes what it reads, and erases the consumer."""
        raise NotImplementedError

    def rolling_buffer(
        self, *args: Argument, block: Handle | None = None, results: int | None = None
    ) -> tuple[Handle, ...]:
        """Lets a producer inside of its consumer's loop compute only the rows that the iteration before did not, and
        keep the others in a buffer that goes round."""
        raise NotImplementedError

    def select(self, *args: Argument, target: Handle | None = None, op_name: Argument = None) -> Handle:
        """The payload ops that have the name."""
        raise NotImplementedError

    def set_memory_space(self, *args: Argument, buffer: Handle | None = None, scope: Argument = None) -> None:
        """Puts a buffer of the kernel's own into a memory scope of the target; `""` is global memory."""
        raise NotImplementedError

    def split(
        self, *args: Argument, loop: Handle | None = None, after: Handle | int | None = None
    ) -> tuple[Handle, ...]:
        """Makes two loops of one: the first iterations, and the others."""
        raise NotImplementedError

    def split_handle(
        self,
        *args: Argument,
        handle: Handle | None = None,
        pass_through_empty_handle: Argument = None,
        fail_on_payload_too_small: Argument = None,
        overflow_result: Argument = None,
        results: int | None = None,
    ) -> tuple[Handle, ...]:
        """A handle for each payload; what is too much goes to the `overflow_result`."""
        raise NotImplementedError

    def split_reduction(self, *args: Argument, block: Handle | None = None, loop: Handle | None = None) -> Handle:
        """Keeps a partial result for each iteration of a loop of a reduction, and adds a block that combines them."""
        raise NotImplementedError

    def storage_align(
        self, *args: Argument, buffer: Handle | None = None, sizes: Sequence[Handle | int] | None = None
    ) -> None:
        """Pads a buffer of the kernel's own: neighbours in a dimension are `offset` more than a multiple of `factor`
        apart."""
        raise NotImplementedError

    def structured_match(
        self,
        *args: Argument,
        target: Handle | None = None,
        ops: Argument = None,
        interface: Argument = None,
        op_attrs: Argument = None,
        filter_result_type: Argument = None,
        filter_operand_types: Argument = None,
    ) -> Handle:
        """The ops in the one payload op, itself included, in post-order, that pass every filter."""
        raise NotImplementedError

    def target_query(self, *args: Argument, fact: Argument = None) -> Handle:
        """A fact of the target that the payload's module names."""
        raise NotImplementedError

    def tensorize(self, *args: Argument, loop: Handle | None = None, intrinsics: Argument = None) -> None:
        """Lets the implementation of an intrinsic compute what the nest below a loop does."""
        raise NotImplementedError

    def tile(
        self,
        *args: Argument,
        loops: Sequence[Handle] | None = None,
        sizes: Sequence[Handle | int] | None = None,
        tail: Argument = None,
        results: int | None = None,
    ) -> tuple[Handle, ...]:
        """Splits each loop in an outer and an inner one, and moves the inner ones inside."""
        raise NotImplementedError

    def transform_layout(
        self,
        *args: Argument,
        buffer: Handle | None = None,
        sizes: Sequence[Handle | int] | None = None,
        layout: Argument = None,
        outer_dims_perm: Argument = None,
        inner_dims_pos: Argument = None,
    ) -> None:
        """Lets the elements of a buffer of the kernel's own, or of a constant, lie in another order: an affine map
        says where, or tiles, as in `linalg.pack`."""
        raise NotImplementedError

    def unroll(self, *args: Argument, loops: Sequence[Handle] | None = None) -> None:
        """Marks loops to be unrolled: `sched.unroll %ii : !transform.any_op`."""
        raise NotImplementedError

    def unroll_and_jam(self, *args: Argument, loop: Handle | None = None, factor: Handle | int | None = None) -> Handle:
        """Lets some iterations of a loop take their steps together."""
        raise NotImplementedError

    def vectorize(self, *args: Argument, loops: Sequence[Handle] | None = None) -> None:
        """Marks loops whose iterations become vector lanes: `sched.vectorize %ji : !transform.any_op`."""
        raise NotImplementedError

    def verify(self, *args: Argument, target: Handle | None = None) -> None:
        """Verifies the payload ops; what does not verify is a definite failure."""
        raise NotImplementedError
