package io.vireo.device.scsi;

import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskManagement;
import io.vireo.scsi.TaskManagement.Response;

/** Task management functions at a logical unit (SAM-5, 7), on its reactor. */
final class UnitManagement {
    private UnitManagement() {}

    /** Carries out a function that names a unit; {@code done} runs when it has ended. */
    static void execute(UnitNexus nexus, TaskManagement function, Runnable done) {
        function.result(Response.FUNCTION_COMPLETE, 0);
        switch (function.function()) {
            case ABORT_TASK -> abortTask(nexus, function, done);
            case ABORT_TASK_SET -> {
                var all = new Barrier(done);
                nexus.unit.tasks().abort(nexus, all);
                all.passed();
            }
            case CLEAR_TASK_SET -> clearTaskSet(nexus, done);
            case LOGICAL_UNIT_RESET -> unitReset(nexus, done);
            case QUERY_TASK ->
                    succeed(function, nexus.unit.tasks().find(nexus, function.tag()) != null, done);
            case QUERY_TASK_SET -> succeed(function, nexus.unit.tasks().hasTasks(nexus), done);
            case QUERY_ASYNCHRONOUS_EVENT -> queryEvent(nexus, function, done);
            case CLEAR_ACA, I_T_NEXUS_RESET, TARGET_WARM_RESET, TARGET_COLD_RESET ->
                    throw new IllegalArgumentException(function.function().name());
        }
    }

    private static void abortTask(UnitNexus nexus, TaskManagement function, Runnable done) {
        Slot slot = nexus.unit.tasks().find(nexus, function.tag());
        if (slot == null) {
            function.result(Response.TASK_NOT_FOUND, 0);
            done.run();
            return;
        }
        var all = new Barrier(done);
        nexus.unit.tasks().abort(slot, ScsiTask.Outcome.ABORTED, false, all);
        all.passed();
    }

    /** Who loses tasks learns it by their status (TAS), or by a unit attention (SAM-5, 5.6). */
    private static void clearTaskSet(UnitNexus nexus, Runnable done) {
        boolean withStatus = nexus.unit.modes().taskAbortedStatus();
        for (UnitNexus other : nexus.unit.nexuses()) {
            if (!withStatus && other != nexus && nexus.unit.tasks().hasTasks(other)) {
                other.attention(Sense.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR);
            }
        }
        var all = new Barrier(done);
        nexus.unit.tasks().abortAll(nexus, ScsiTask.Outcome.ABORTED, all);
        all.passed();
    }

    private static void succeed(TaskManagement function, boolean there, Runnable done) {
        function.result(there ? Response.FUNCTION_SUCCEEDED : Response.FUNCTION_COMPLETE, 0);
        done.run();
    }

    private static void queryEvent(UnitNexus nexus, TaskManagement function, Runnable done) {
        if (!nexus.attentions.isEmpty()) {
            int code = nexus.attentions.first();
            // SAM-5, 7.10: the sense key in the low bits of the first byte, then the additional
            // sense code and its qualifier.
            function.result(Response.FUNCTION_SUCCEEDED, code);
        }
        done.run();
    }

    /** Logical unit reset. */
    static void unitReset(UnitNexus nexus, Runnable done) {
        var all = new Barrier(done);
        nexus.unit.reset(nexus, all);
        all.passed();
    }

    /** I_T nexus reset (SAM-5, 6.3.4 and 7.6). */
    static void nexusReset(UnitNexus nexus, Runnable done) {
        var all = new Barrier(done);
        nexus.unit.tasks().abortEverywhere(nexus, all);
        nexus.unit.reservations().nexusLost(nexus);
        nexus.preventsRemoval = false;
        nexus.attentions.replaceAll(Sense.I_T_NEXUS_LOSS);
        all.passed();
    }
}
