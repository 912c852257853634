package io.vireo.fabric.l2.acl;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.AccessList;
import io.vireo.resource.spec.AclRuleSpec;
import io.vireo.resource.spec.AclSpec;
import io.vireo.resource.spec.AclSpec.Action;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Decides about the frames of one port in one direction by one or more lists, as if they were one:
 * the first rule that matches in the first list, then those of the next; the default of the last
 * list. Decisions are kept per flow, so that a long list costs its length only for the first frame
 * of a flow. Not thread safe, but lists may change at any time.
 */
public final class AclProgram {
    private static final int FLOWS = 256;
    private static final int ENTRY = FlowKey.LENGTH + 1;
    private static final long MIX = 0x9E3779B97F4A7C15L;

    private final List<RuleList> lists;

    // As of the last compilation.
    private AclSpec[] specs = new AclSpec[0];
    private RuleCounters[] counters = new RuleCounters[0];
    private CompiledRules rules = new CompiledRules(List.of());
    private FlowKey flow = new FlowKey(List.of());
    private boolean[] permits = new boolean[0];
    private int[] listOfRule = new int[0];
    private int[] firstOfList = new int[0];

    /** Of each flow its key, and its rule plus 1; 0 for nothing. */
    private final long[] flows = new long[FLOWS * ENTRY];

    /**
     * A program.
     *
     * @param lists at least one, made by {@link AclKind}
     */
    public AclProgram(List<AccessList> lists) {
        this.lists = lists.stream().map(RuleList.class::cast).toList();
        compile();
    }

    private void compile() {
        close();
        specs = lists.stream().map(RuleList::spec).toArray(AclSpec[]::new);
        counters = new RuleCounters[specs.length];
        firstOfList = new int[specs.length];
        var all = new ArrayList<AclRuleSpec>();
        for (int i = 0; i < specs.length; i++) {
            counters[i] = lists.get(i).open(specs[i]);
            firstOfList[i] = all.size();
            all.addAll(specs[i].rules());
        }
        listOfRule = new int[all.size() + 1];
        Arrays.fill(listOfRule, specs.length - 1);
        for (int i = 0; i < specs.length - 1; i++) {
            Arrays.fill(listOfRule, firstOfList[i], firstOfList[i + 1], i);
        }
        permits = new boolean[all.size() + 1];
        for (int r = 0; r < all.size(); r++) {
            permits[r] = all.get(r).action() == Action.PERMIT;
        }
        permits[all.size()] = specs[specs.length - 1].defaultAction() == Action.PERMIT;
        rules = new CompiledRules(all);
        flow = new FlowKey(all);
        Arrays.fill(flows, 0);
    }

    /** Takes up what has changed in the lists; called before each batch. */
    public void refresh() {
        for (int i = 0; i < specs.length; i++) {
            if (lists.get(i).spec() != specs[i]) {
                compile();
                return;
            }
        }
    }

    /**
     * Reads the frame that is to be decided about next.
     *
     * @return false if headers that rules may ask for cannot be seen
     */
    public boolean read(Headers frame, int vlan) {
        return flow.read(frame, vlan);
    }

    /** Decides about the frame that was {@link #read} and counts its rule. */
    public boolean permits() {
        int rule = rule();
        int list = listOfRule[rule];
        counters[list].count(rule - firstOfList[list]);
        return permits[rule];
    }

    private int rule() {
        long[] key = flow.key;
        int at = slot(key);
        if (flows[at + FlowKey.LENGTH] != 0 && isAt(key, at)) {
            return (int) flows[at + FlowKey.LENGTH] - 1;
        }
        int rule = rules.match(key);
        System.arraycopy(key, 0, flows, at, FlowKey.LENGTH);
        flows[at + FlowKey.LENGTH] = rule + 1;
        return rule;
    }

    private static int slot(long[] key) {
        long hash = 0;
        for (int n = 0; n < FlowKey.LENGTH; n++) {
            hash = (hash ^ key[n]) * MIX;
            hash ^= hash >>> 32;
        }
        return (int) (hash & FLOWS - 1) * ENTRY;
    }

    private boolean isAt(long[] key, int at) {
        long differences = 0;
        for (int n = 0; n < FlowKey.LENGTH; n++) {
            differences |= key[n] ^ flows[at + n];
        }
        return differences == 0;
    }

    /** Ends the use of the lists. */
    public void close() {
        for (int i = 0; i < counters.length; i++) {
            lists.get(i).close(counters[i]);
        }
        counters = new RuleCounters[0];
    }
}
