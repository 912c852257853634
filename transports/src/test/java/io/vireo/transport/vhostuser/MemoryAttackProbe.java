package io.vireo.transport.vhostuser;

import io.vireo.testkit.hostile.Siege;

/**
 * Puts an endpoint under the attacks on memory; run in virtual machines of its own, which they
 * might kill.
 */
public final class MemoryAttackProbe {
    /** Group of the catalogue: memory that changes or goes. */
    private static final int GROUP = 24;

    private MemoryAttackProbe() {}

    public static void main(String[] arguments) throws Exception {
        var test = new HostileInputsTest();
        test.open();
        for (var attack : Siege.attacks()) {
            if (attack.group() == GROUP) {
                test.run(attack);
            }
        }
        test.close();
    }
}
