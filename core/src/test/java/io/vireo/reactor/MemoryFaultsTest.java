package io.vireo.reactor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryFaultsTest {
    private final MemoryFaults faults = new MemoryFaults("data-0");
    private final List<String> asked = new ArrayList<>();

    /** A listener that notes what it is asked for. */
    private final class Guest implements MemoryFaultListener {
        private final String name;
        private boolean exposed = true;
        private boolean touched;
        private boolean broken;

        Guest(String name) {
            this.name = name;
            faults.add(this);
        }

        @Override
        public boolean exposed() {
            return exposed;
        }

        @Override
        public boolean touched() {
            return touched;
        }

        @Override
        public boolean memoryFault() {
            asked.add(name);
            return broken;
        }

        @Override
        public void convicted() {
            asked.add(name + " convicted");
        }
    }

    private final Guest first = new Guest("first");
    private final Guest second = new Guest("second");
    private final Guest third = new Guest("third");

    @Test
    void whoWasAtWorkLooksFirstAndOthersOnlyIfNothingIsFound() {
        third.touched = true;
        third.broken = true;
        faults.find();
        assertThat(asked).containsExactly("third");
        asked.clear();
        third.broken = false;
        second.broken = true;
        faults.find();
        assertThat(asked).containsExactly("third", "first", "second");
    }

    @Test
    void whoseMemoryCannotFailHasNothingToDo() {
        first.exposed = false;
        first.touched = true;
        third.broken = true;
        faults.find();
        assertThat(asked).containsExactly("second", "third");
    }

    @Test
    void whoIsTheOnlyOneThatCanHaveBeenIsConvicted() {
        first.exposed = false;
        faults.find();
        assertThat(asked).containsExactly("second", "third");
        asked.clear();
        second.exposed = false;
        faults.find();
        assertThat(asked).containsExactly("third", "third convicted");
        assertThat(faults.failures()).isZero();
    }

    @Test
    void whoFailsHasFoundNothingAndIsCounted() {
        faults.remove(first);
        faults.remove(second);
        faults.remove(third);
        faults.add(() -> {
            throw new IllegalStateException("a bug, made on purpose");
        });
        var next = new Guest("next");
        next.broken = true;
        faults.find();
        assertThat(asked).containsExactly("next");
        assertThat(faults.failures()).isEqualTo(1);
    }
}
