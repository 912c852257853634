package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Quantity;
import java.util.List;
import java.util.Optional;

/** The disks of a pool that has a format of its own, and how it uses them. */
public record DisksSpec(
        @Field(value = "The disks; all of them are needed to open the pool.", maxLength = 64)
                List<Member> members,
        @Field(
                        value =
                                "Unit of allocation, a power of two from 16Ki to 1Mi; fixed when the pool is made.",
                        defaultValue = "64Ki")
                Quantity chunkSize,
        @Field(
                        value =
                                "Whether neighbouring chunks lie on the disks in turn (true), or on the first disk that has"
                                        + " room; fixed when the pool is made.",
                        defaultValue = "true")
                boolean striped,
        @Field(
                        value =
                                "Seconds for which writes that need room wait when the pool is full, before they fail.",
                        defaultValue = "60",
                        min = 0,
                        max = 86_400)
                int holdSeconds,
        @Field(
                        value =
                                "Whether a pool that is on the disks already is taken over: vDisks and snapshots get what has"
                                        + " their names in it.",
                        defaultValue = "false")
                boolean adopt,
        @Field(
                        value =
                                "On how many disks everything is kept: 1, or 2 or 3 for mirrors, of which neighbours in the"
                                        + " list hold the same; fixed when the pool is made.",
                        defaultValue = "1",
                        min = 1,
                        max = 3)
                int copies,
        @Field(
                        value =
                                "Whether the pool is opened although a disk of a mirror is missing that may know more than"
                                        + " those that are here: what only it has is given up then.",
                        defaultValue = "false")
                boolean openDegraded,
        @Field(
                        "Bytes per second that are copied at most to a disk of a mirror that came back or is new, and off one"
                                + " that is drained, for example 100Mi. Absent: as many as go.")
                Optional<Quantity> resyncRate,
        @Field(
                        value =
                                "Seconds for which a disk of a mirror may leave a request without"
                                        + " an answer before the others go on without it.",
                        defaultValue = "10",
                        min = 1,
                        max = 600)
                int stallSeconds,
        @Field("When everything on the disks is read and verified. Absent: never.")
                Optional<Scrub> scrub) {
    public DisksSpec {
        members = List.copyOf(members);
    }

    /** When and how fast everything is read and verified. */
    public record Scrub(
            @Field(
                            value =
                                    "Days from the end of a scrub, or the first look at the pool, to the next one. 0: it begins"
                                            + " only when it is asked for.",
                            defaultValue = "0",
                            min = 0,
                            max = 365)
                    int everyDays,
            @Field(
                            value =
                                    "Any word. A scrub begins when it is set to another one, and is cancelled when it is taken"
                                            + " out or set to cancel.",
                            maxLength = 64)
                    Optional<String> request,
            @Field(
                            "Bytes per second that are read at most, for example 100Mi. Absent: as many as go.")
                    Optional<Quantity> rate) {}

    /** A disk. */
    public record Member(
            @Field(
                            value =
                                    "Absolute path of a block device, best one below"
                                            + " /dev/disk/by-id, or of a file.",
                            pattern = Forms.ABSOLUTE_PATH,
                            maxLength = 1024)
                    String path,
            @Field(
                            "Size of the sparse file that is made if there is nothing at the path, and that a shorter"
                                    + " file is made to have. Absent: it must be there, and stays as it is.")
                    Optional<Quantity> size,
            @Field(
                            value =
                                    "Whether everything is moved off it while the pool is in use, so that it can be taken out of"
                                            + " the list.",
                            defaultValue = "false")
                    boolean drain,
            @Field(
                            value =
                                    "Whether an empty disk at the path takes the place of the one"
                                            + " that was there, of a mirror. To be set after the disk"
                                            + " was changed for another one.",
                            defaultValue = "false")
                    boolean replaced) {}
}
