package io.vireo.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What the command line asks for.
 *
 * @param benchmark {@code net}, {@code blk}, {@code scsi}, {@code qos} or {@code idle}
 * @param windows pairs of windows per case
 * @param seconds length of one window
 * @param quick a smoke run: the first cases only
 * @param control measure the peer against itself, which shows how far the ratio strays by chance
 * @param restarts how many freshly started daemons the first case of net is repeated with
 * @param soakMinutes how long the first cases of net are kept from a daemon by traffic of all kinds
 * @param only cases whose name this is found in
 * @param root the checkout, where the daemon was built
 * @param output the directory of the result
 */
record Options(
        String benchmark,
        int windows,
        double seconds,
        boolean quick,
        boolean control,
        Pattern only,
        int restarts,
        double soakMinutes,
        Path root,
        Path output) {

    static final String USAGE =
            """
            usage: script/bench net|blk|scsi|qos|idle [--quick] [--control] [--windows N] [--seconds S] [--only REGEX] [--restarts N] [--soak MINUTES]

              net   two vNICs on one network against DPDK testpmd and Open vSwitch with DPDK; many ports, many addresses, latency
              blk   a vDisk against a vhost-user-blk export of qemu-storage-daemon, without and in a guest, and fio
              scsi  iSCSI on loopback against tgt, virtio-scsi against virtio-blk, 1,000 vHBAs
              qos   rates and shares against what was asked for
              idle  100 vNICs and 100 vDisks, connected and silent

              --quick      short windows of few cases: does it run at all?
              --control    the peer against itself: how far does the ratio stray by chance?
              --windows N  pairs of windows per case (9)
              --seconds S  length of a window (1.5; idle: 30)
              --only R     only the cases whose name matches R
              --restarts N net: the first case again with N daemons, each just started (0)
              --soak M     net: the first cases before and after M minutes of traffic of all kinds (0)
            """;

    /** Parses the command line; throws with a sentence when it makes no sense. */
    static Options parse(List<String> arguments) {
        if (arguments.isEmpty()) {
            throw new BenchException(USAGE);
        }
        var benchmark = arguments.getFirst();
        var quick = arguments.contains("--quick");
        var windows = quick ? 2 : 9;
        var seconds = benchmark.equals("idle") ? (quick ? 5.0 : 30.0) : (quick ? 0.5 : 1.5);
        var control = false;
        var restarts = 0;
        var soak = 0.0;
        var only = Pattern.compile("");
        var root = Path.of("").toAbsolutePath();
        for (var rest = arguments.listIterator(1); rest.hasNext(); ) {
            var option = rest.next();
            switch (option) {
                case "--quick" -> {}
                case "--control" -> control = true;
                case "--windows" ->
                        windows = (int) number(option, rest.hasNext() ? rest.next() : "");
                case "--seconds" -> seconds = number(option, rest.hasNext() ? rest.next() : "");
                case "--restarts" ->
                        restarts = (int) number(option, rest.hasNext() ? rest.next() : "");
                case "--soak" -> soak = number(option, rest.hasNext() ? rest.next() : "");
                case "--only" -> only = Pattern.compile(rest.hasNext() ? rest.next() : "");
                default -> throw new BenchException("Unknown option " + option + ".\n" + USAGE);
            }
        }
        if (control && List.of("idle", "qos").contains(benchmark)) {
            throw new BenchException(
                    benchmark + " has no peer, so there is nothing for --control to run.");
        }
        return new Options(
                benchmark,
                windows,
                seconds,
                quick,
                control,
                only,
                restarts,
                soak,
                root,
                root.resolve("target/bench"));
    }

    private static double number(String option, String text) {
        try {
            var value = Double.parseDouble(text);
            if (value > 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Falls through to the sentence below, which says it better.
        }
        throw new BenchException(option + " takes a number above 0, not \"" + text + "\".");
    }

    boolean wants(String caseName) {
        return only.matcher(caseName).find();
    }

    /** The result's file name without its ending; a control run does not overwrite the real one. */
    String resultName() {
        return control ? benchmark + "-control" : benchmark;
    }
}
