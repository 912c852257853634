package io.vireo.memory;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The table of a guest's memory regions: translates what the guest or its front end calls an
 * address into a native address, with a check of the whole range. An immutable snapshot; a new
 * table is a new object, and the old mappings outlive whoever still uses the old one.
 *
 * <p>Guest addresses and user addresses with the highest bit set lie in no region. Thread safe.
 */
public final class GuestMemory {
    /** What a translation returns for a range that is not in one region. */
    public static final long INVALID = -1;

    /** {@link #split}: a part of the range lies in no region. */
    public static final int UNMAPPED = -1;

    /** {@link #split}: the arrays are full. */
    public static final int NO_ROOM = -2;

    private static final long LONGEST_RANGE = 1L << 30;

    private static final Region[] NO_REGIONS = {};

    /**
     * A region: {@code size} bytes, contiguous by each of its addresses.
     *
     * @param guestAddress what descriptors call its first byte
     * @param size in bytes, more than 0
     * @param userAddress what the front end calls its first byte in messages
     * @param hostAddress where its first byte is mapped here
     */
    public record Region(long guestAddress, long size, long userAddress, long hostAddress) {
        /** Throws {@link IllegalArgumentException} if a range is empty or leaves 63 bits. */
        public Region {
            if (size <= 0) {
                throw new IllegalArgumentException("a region of size " + size);
            }
            checkRange("guest address", guestAddress, size);
            checkRange("user address", userAddress, size);
            checkRange("host address", hostAddress, size);
        }

        private static void checkRange(String what, long address, long size) {
            if (address < 0 || address > Long.MAX_VALUE - size) {
                throw new IllegalArgumentException(
                        what
                                + " 0x"
                                + Long.toHexString(address)
                                + " + 0x"
                                + Long.toHexString(size)
                                + " leaves the address space");
            }
        }
    }

    private final List<Region> regions;

    // By guest address, ascending.
    private final long[] starts;
    private final long[] sizes;
    private final long[] hosts;

    private GuestMemory(List<Region> regions) {
        this.regions = List.copyOf(regions);
        Region[] sorted = this.regions.toArray(NO_REGIONS);
        Arrays.sort(sorted, Comparator.comparingLong(Region::guestAddress));
        starts = Arrays.stream(sorted).mapToLong(Region::guestAddress).toArray();
        sizes = Arrays.stream(sorted).mapToLong(Region::size).toArray();
        hosts = Arrays.stream(sorted).mapToLong(Region::hostAddress).toArray();
    }

    /**
     * Makes a table.
     *
     * @throws IllegalArgumentException if two regions overlap by guest or by user address
     */
    public static GuestMemory of(List<Region> regions) {
        checkOverlap("guest", regions, Comparator.comparingLong(Region::guestAddress));
        checkOverlap("user", regions, Comparator.comparingLong(Region::userAddress));
        return new GuestMemory(regions);
    }

    private static void checkOverlap(String what, List<Region> regions, Comparator<Region> order) {
        Region[] sorted = regions.toArray(NO_REGIONS);
        Arrays.sort(sorted, order);
        for (int i = 1; i < sorted.length; i++) {
            Region before = sorted[i - 1];
            // Below the end of its predecessor in this order of addresses.
            Region end =
                    new Region(
                            before.guestAddress + before.size - 1,
                            1,
                            before.userAddress + before.size - 1,
                            before.hostAddress);
            if (order.compare(sorted[i], end) <= 0) {
                throw new IllegalArgumentException(
                        "regions overlap by " + what + " address: " + before + ", " + sorted[i]);
            }
        }
    }

    /** The regions in the order given. */
    public List<Region> regions() {
        return regions;
    }

    /**
     * Position of the region that {@code guestAddress} lies in, or -1. Positions are by address.
     */
    public int find(long guestAddress) {
        int low = 0;
        int high = starts.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (guestAddress < starts[middle]) {
                high = middle - 1;
            } else if (guestAddress - starts[middle] >= sizes[middle]) {
                low = middle + 1;
            } else {
                return middle;
            }
        }
        return -1;
    }

    /** Guest address of the region at a position. */
    public long start(int position) {
        return starts[position];
    }

    /** Bytes of the region at a position. */
    public long size(int position) {
        return sizes[position];
    }

    /** Native address of the region at a position. */
    public long host(int position) {
        return hosts[position];
    }

    /**
     * Translates a range by guest address.
     *
     * @param length in bytes, 0 or more
     * @return the native address of its first byte, or {@link #INVALID} unless the whole range is
     *     in one region
     */
    public long translate(long guestAddress, long length) {
        int position = find(guestAddress);
        if (position < 0) {
            return INVALID;
        }
        long offset = guestAddress - starts[position];
        return length >= 0 && length <= sizes[position] - offset
                ? hosts[position] + offset
                : INVALID;
    }

    /**
     * Translates a range by guest address that may cross from a region into the next one, where no
     * guest address is left out between them. Writes one native range per region, none longer than
     * 1 GiB. An empty range has none, wherever it is.
     *
     * @param length in bytes, 0 or more
     * @param at where to write in the arrays
     * @return the position behind the last range written; {@link #UNMAPPED} or {@link #NO_ROOM}
     */
    public int split(long guestAddress, long length, long[] addresses, int[] lengths, int at) {
        long address = guestAddress;
        long left = length;
        int next = at;
        while (left > 0) {
            int position = find(address);
            if (position < 0) {
                return UNMAPPED;
            }
            if (next == lengths.length) {
                return NO_ROOM;
            }
            long offset = address - starts[position];
            long piece = Math.min(Math.min(left, sizes[position] - offset), LONGEST_RANGE);
            addresses[next] = hosts[position] + offset;
            lengths[next] = (int) piece;
            next++;
            address += piece;
            left -= piece;
        }
        return next;
    }

    /**
     * Appends a range by guest address, as {@link #split} does.
     *
     * @return false if a part of it lies in no region: nothing was appended
     */
    public boolean append(ScatterGatherList list, long guestAddress, long length) {
        if (!covers(guestAddress, length)) {
            return false;
        }
        long address = guestAddress;
        long left = length;
        while (left > 0) {
            int position = find(address);
            long offset = address - starts[position];
            long piece = Math.min(Math.min(left, sizes[position] - offset), LONGEST_RANGE);
            list.add(hosts[position] + offset, (int) piece);
            address += piece;
            left -= piece;
        }
        return true;
    }

    private boolean covers(long guestAddress, long length) {
        long address = guestAddress;
        long left = length;
        while (left > 0) {
            int position = find(address);
            if (position < 0) {
                return false;
            }
            long piece = Math.min(left, sizes[position] - (address - starts[position]));
            address += piece;
            left -= piece;
        }
        return true;
    }

    /**
     * Translates a range by user address, for the addresses of rings in messages.
     *
     * @param length in bytes, 0 or more
     * @return the native address of its first byte, or {@link #INVALID} unless the whole range is
     *     in one region
     */
    public long userToHost(long userAddress, long length) {
        for (Region region : regions) {
            long offset = userAddress - region.userAddress;
            if (userAddress >= region.userAddress && offset < region.size) {
                return length >= 0 && length <= region.size - offset
                        ? region.hostAddress + offset
                        : INVALID;
            }
        }
        return INVALID;
    }
}
