package io.vireo.transport.iscsi;

import io.vireo.transport.iscsi.KeyText.Pair;
import java.util.ArrayList;
import java.util.List;

/** What SendTargets tells (RFC 7143, appendix C). */
interface SendTargets {
    /**
     * A target and where it is.
     *
     * @param name iSCSI name
     * @param addresses each of the form {@code address:port,portalGroup}
     */
    record Found(String name, List<String> addresses) {}

    /** The targets that the initiator may log in to. */
    List<Found> targets();

    /** The answer for some of them. */
    static List<Pair> answer(List<Found> found) {
        var pairs = new ArrayList<Pair>();
        for (Found target : found) {
            pairs.add(new Pair("TargetName", target.name()));
            for (String address : target.addresses()) {
                pairs.add(new Pair("TargetAddress", address));
            }
        }
        return pairs;
    }
}
