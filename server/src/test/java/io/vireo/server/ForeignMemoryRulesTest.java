package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Nothing outside {@code io.vireo.linux} can touch foreign memory in a way that a SIGBUS would turn
 * into the death of the process: native segments and views of native memory are made there only,
 * and {@link io.vireo.linux.ForeignMemory} offers nothing but get, put, copy and fill. And nobody
 * takes an access for done whose error is still to come.
 */
class ForeignMemoryRulesTest {
    private static final String SEGMENT = "java/lang/foreign/MemorySegment";
    private static final String ACCESSOR = "io/vireo/linux/ForeignMemory";
    private static final Set<String> ACCESSORS = Set.of(ACCESSOR, "io/vireo/memory/NativeMemory");
    private static final String VAR_HANDLE = "java/lang/invoke/VarHandle";

    /** Read-modify-write, which a SIGBUS in the interpreter may turn into a crash. */
    private static boolean isReadModifyWrite(String name) {
        return name.startsWith("compareAnd")
                || name.startsWith("weakCompareAnd")
                || name.startsWith("getAnd");
    }

    private static boolean isAllowed(String caller, String owner, String name) {
        if (caller.startsWith("io/vireo/linux/")) {
            return !caller.equals(ACCESSOR)
                    || !(owner.equals(VAR_HANDLE)
                            && (isReadModifyWrite(name) || STORES.contains(name)));
        }
        return switch (owner) {
            case SEGMENT ->
                    !Set.of("reinterpret", "ofAddress", "mismatch", "asByteBuffer").contains(name);
            case VAR_HANDLE -> !isReadModifyWrite(name);
            case "sun/misc/Unsafe", "jdk/internal/misc/Unsafe" -> false;
            case "java/nio/channels/FileChannel" -> !name.equals("map");
            case "java/nio/ByteBuffer" -> !name.equals("allocateDirect");
            case "java/lang/foreign/Linker" -> false;
            default -> !owner.startsWith("jdk/incubator/vector/");
        };
    }

    /** Stores that HotSpot's interpreter executes as xchg. */
    private static final Set<String> STORES = Set.of("setRelease", "setOpaque", "setVolatile");

    private static List<Path> classes() throws IOException {
        Path modules = Path.of("..");
        List<Path> found = new ArrayList<>();
        try (Stream<Path> children = Files.list(modules)) {
            for (Path module : children.toList()) {
                Path classes = module.resolve("target/classes");
                if (Files.isDirectory(classes)) {
                    try (Stream<Path> files = Files.walk(classes)) {
                        files.filter(file -> file.toString().endsWith(".class"))
                                .filter(file -> !file.endsWith("module-info.class"))
                                .forEach(found::add);
                    }
                }
            }
        }
        return found;
    }

    @Test
    void noClassOfOursUsesABannedOperation() throws IOException {
        List<Path> classes = classes();
        assertThat(classes.stream().map(Path::toString))
                .anyMatch(name -> name.endsWith("virtqueue/SplitVirtqueue.class"))
                .anyMatch(name -> name.endsWith("linux/ForeignMemory.class"));
        assertThat(classes.stream().flatMap(ForeignMemoryRulesTest::violations)).isEmpty();
    }

    @Test
    void theRuleFindsWhatItLooksFor() {
        assertThat(isAllowed("io/vireo/virtqueue/X", VAR_HANDLE, "compareAndSet")).isFalse();
        assertThat(isAllowed("io/vireo/virtqueue/X", VAR_HANDLE, "fullFence")).isTrue();
        assertThat(isAllowed("io/vireo/net/X", SEGMENT, "reinterpret")).isFalse();
        assertThat(isAllowed("io/vireo/net/X", "sun/misc/Unsafe", "getInt")).isFalse();
        assertThat(isAllowed(ACCESSOR, VAR_HANDLE, "getAndAdd")).isFalse();
        assertThat(isAllowed(ACCESSOR, VAR_HANDLE, "setRelease")).isFalse();
        assertThat(isAllowed(ACCESSOR, SEGMENT, "reinterpret")).isTrue();
    }

    /** Whoever catches the error of vanished memory has it come before, or is of these. */
    private static final Set<String> CATCH_LATE =
            Set.of(
                    // Around a turn, for what is of none that it runs: each of them settles.
                    "io/vireo/reactor/Reactor",
                    // Throws it again, when what it had begun is taken back.
                    "io/vireo/virtqueue/SplitVirtqueue");

    @Test
    void whoCatchesTheErrorHasItComeBefore() throws IOException {
        Set<String> late = new TreeSet<>();
        int settling = 0;
        for (Path file : classes()) {
            ClassModel model = parse(file);
            for (var method : model.methods()) {
                if (catchesTheError(method)) {
                    if (settles(method)) {
                        settling++;
                    } else {
                        late.add(model.thisClass().asInternalName());
                    }
                }
            }
        }
        assertThat(late).isEqualTo(new TreeSet<>(CATCH_LATE));
        assertThat(settling).isPositive();
    }

    private static boolean catchesTheError(MethodModel method) {
        return method.code().stream()
                .flatMap(code -> code.exceptionHandlers().stream())
                .flatMap(handler -> handler.catchType().stream())
                .anyMatch(type -> type.asInternalName().equals("java/lang/InternalError"));
    }

    private static boolean settles(MethodModel method) {
        return method.code().stream()
                .flatMap(CodeModel::elementStream)
                .anyMatch(element ->
                        element instanceof InvokeInstruction call
                                && call.name().equalsString("settle")
                                && ACCESSORS.contains(call.owner().asInternalName()));
    }

    private static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<String> violations(Path file) {
        ClassModel model = parse(file);
        String caller = model.thisClass().asInternalName();
        List<String> violations = new ArrayList<>();
        for (var method : model.methods()) {
            if (method.code().isEmpty()) {
                continue;
            }
            for (CodeElement element : method.code().get()) {
                if (element instanceof InvokeInstruction call
                        && !isAllowed(
                                caller, call.owner().asInternalName(), call.name().stringValue())) {
                    violations.add(
                            caller
                                    + "."
                                    + method.methodName().stringValue()
                                    + " calls "
                                    + call.owner().asInternalName()
                                    + "."
                                    + call.name().stringValue());
                }
            }
        }
        return violations.stream();
    }
}
