package io.vireo.linux;

/**
 * Writes a program for the kernel's virtual machine, Documentation/bpf/standardization: eleven
 * registers of 64 bits, of which r1 holds the argument at the start, r1 to r5 those of a call, and
 * r0 the result. An instruction is a number of 64 bits: code, registers, offset, immediate.
 */
final class BpfAssembler {
    static final int R1 = 1;
    static final int R2 = 2;
    static final int R3 = 3;

    private final long[] instructions = new long[64];
    private int count;

    /** {@code to = *(u32 *)(from + offset)}. */
    BpfAssembler load32(int to, int from, int offset) {
        return add(Constants.BPF_LDX | Constants.BPF_MEM | Constants.BPF_W, to, from, offset, 0);
    }

    /** {@code to = map}, which takes the room of two instructions. */
    BpfAssembler loadMap(int to, Fd map) {
        int code = Constants.BPF_LD | Constants.BPF_IMM | Constants.BPF_DW;
        return add(code, to, Constants.BPF_PSEUDO_MAP_FD, 0, map.number()).add(0, 0, 0, 0, 0);
    }

    /** {@code to = value}. */
    BpfAssembler move(int to, int value) {
        return add(Constants.BPF_ALU64 | Constants.BPF_MOV | Constants.BPF_K, to, 0, 0, value);
    }

    /** {@code r0 = function(r1, r2, r3, r4, r5)}. */
    BpfAssembler call(int function) {
        return add(Constants.BPF_JMP | Constants.BPF_CALL, 0, 0, 0, function);
    }

    /** Returns r0. */
    BpfAssembler exit() {
        return add(Constants.BPF_JMP | Constants.BPF_EXIT, 0, 0, 0, 0);
    }

    /** Returns the number of instructions. */
    int count() {
        return count;
    }

    /** Copies the instructions to memory. */
    void writeTo(long address) {
        for (int i = 0; i < count; i++) {
            ForeignMemory.putLong(address + (long) i * Long.BYTES, instructions[i]);
        }
    }

    private BpfAssembler add(int code, int to, int from, int offset, int immediate) {
        instructions[count++] =
                code
                        | (long) to << 8
                        | (long) from << 12
                        | (offset & 0xFFFFL) << 16
                        | (long) immediate << 32;
        return this;
    }
}
