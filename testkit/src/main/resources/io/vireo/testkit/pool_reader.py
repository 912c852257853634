#!/usr/bin/env python3
"""A second reader of storage pools, written from docs/pool-format.md and nothing else.

    pool_reader.py list DISK...         what volumes and snapshots there are
    pool_reader.py extract DIR DISK...  the same, and the content of each in the file DIR/ID

DISK is a member of a pool that nobody has open, or a leg of a mirrored member, in any order: a file
or a block device. They are only read. A journal that is not empty is replayed in memory. Prints

    pool UUID generation N journal GROUPS
    volume ID ORIGIN volume|snapshot CAPACITY UNCERTAIN NAME

in which UNCERTAIN is the number of blocks that match no checksum and may, and exits with 0. What is
not as the document says, and what this reader cannot read, is a sentence on standard error, and the
exit code is 1.
"""
import os
import struct
import sys
import uuid

BLOCK = 4096
ZEROES = bytes(BLOCK)
PRESENT = 1 << 48
PLACES = (0, 512 << 10)
LEG_DATA = 2 << 20
CRC_OF_ZEROES = 0x98F94189
SNAPSHOT, DEDICATED, CHECKSUMS, ENCRYPTED = 1, 2, 4, 16


class Refused(Exception):
    """What was found is not what the document says, or cannot be read."""


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc_table()


def crc32c(data):
    table = TABLE
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def uuid_at(data, at):
    return uuid.UUID(int=u64(data, at) << 64 | u64(data, at + 8))


def is_sound(block, magic):
    return block[:4] == magic and u32(block, 4) == crc32c(block[8:])


class Disk:
    """A file or block device."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "rb")
        self.size = self.file.seek(0, os.SEEK_END)

    def read(self, at, length):
        self.file.seek(at)
        data = self.file.read(length)
        if len(data) != length:
            raise Refused(f"{self.path} ends before byte {at + length}")
        return data

    def newest(self, magic, at):
        """The newer sound block of two places, by the generation at byte `at`; or None."""
        blocks = [self.read(p, BLOCK) for p in PLACES if p + BLOCK <= self.size]
        return max((b for b in blocks if is_sound(b, magic)), key=lambda b: u64(b, at), default=None)


# Mirrors


class Leg:
    def __init__(self, disk, header):
        if u32(header, 8) != 1:
            raise Refused(f"{disk.path} is of a mirror of version {u32(header, 8)}, not 1")
        self.disk = disk
        self.region_shift = u32(header, 12)
        self.mirror = uuid_at(header, 16)
        self.index = u32(header, 32)
        self.generation = u64(header, 40)
        self.lineage = uuid_at(header, 64)
        self.legs = [
            (uuid_at(header, 1024 + 64 * i), u32(header, 1040 + 64 * i) == 1)
            for i in range(u32(header, 36))
        ]
        self.branches = {
            uuid_at(header, 2048 + 32 * i): u64(header, 2064 + 32 * i)
            for i in range(u32(header, 80))
        }

    def uuid(self):
        return self.legs[self.index][0]

    def is_ancestor_of(self, newest):
        if self.lineage == newest.lineage:
            return True
        return self.generation <= newest.branches.get(self.lineage, -1)

    def regions(self, count):
        """The regions that have a bit."""
        regions = set()
        for sector in range((count + 3967) // 3968):
            data = self.disk.read((1 << 20) + 512 * sector, 512)
            sound = u32(data, 0) == crc32c(data[4:]) and u32(data, 4) == sector
            bits = int.from_bytes(data[16:], "little") if sound else (1 << 3968) - 1
            regions.update(sector * 3968 + i for i in range(3968) if bits >> i & 1)
        return regions


class Mirror:
    """A member that is on several legs."""

    def __init__(self, legs):
        newest = max(legs, key=lambda leg: leg.generation)
        here = {}
        for leg in legs:
            if leg.uuid() not in (u for u, _ in newest.legs):
                continue
            if not leg.is_ancestor_of(newest):
                raise Refused(f"{leg.disk.path} was used without {newest.disk.path}")
            here[leg.uuid()] = leg
        missing = [i for i, (u, sync) in enumerate(newest.legs) if sync and u not in here]
        if missing:
            raise Refused(f"leg {missing[0]} of mirror {newest.mirror} may know more and is not here")
        self.legs = [
            here[u]
            for u, sync in newest.legs
            if sync and here[u].generation >= newest.generation - 1
        ]
        if not self.legs:
            raise Refused(f"no leg of mirror {newest.mirror} is in sync")
        self.path = f"mirror {newest.mirror}"
        self.size = min(leg.disk.size for leg in self.legs) - LEG_DATA
        self.region = 1 << newest.region_shift
        self.compare()

    def compare(self):
        """Regions without a bit are the same on all legs that are in sync."""
        count = -(-self.size // self.region)
        differing = set().union(*(leg.regions(count) for leg in self.legs))
        for region in range(count):
            at = LEG_DATA + region * self.region
            length = min(self.region, self.size - region * self.region)
            copies = {leg.disk.read(at, length) for leg in self.legs}
            if len(copies) > 1 and region not in differing:
                raise Refused(f"the legs of {self.path} differ in region {region}, which has no bit")

    def read(self, at, length):
        return self.legs[0].disk.read(LEG_DATA + at, length)

    newest = Disk.newest


def members_of(paths):
    members, mirrors = [], {}
    for path in paths:
        disk = Disk(path)
        header = disk.newest(b"VSMH", 40)
        if header is None:
            members.append(disk)
        else:
            leg = Leg(disk, header)
            mirrors.setdefault(leg.mirror, []).append(leg)
    return members + [Mirror(legs) for legs in mirrors.values()]


# The pool


class Volume:
    def __init__(self, record):
        self.id, self.origin, self.capacity, self.root = struct.unpack_from("<4Q", record, 0)
        self.height, self.logical, self.physical, self.flags = struct.unpack_from("<4I", record, 32)
        if self.flags & ~(SNAPSHOT | DEDICATED | CHECKSUMS | ENCRYPTED):
            raise Refused(f"volume {self.id} has flags {self.flags:#x}, which are not known")
        self.name = record[64 : 64 + u32(record, 56)].decode()
        self.sums_root, self.sums_height = u64(record, 240), u32(record, 248)
        self.chunks = {}
        self.sums = {}
        self.uncertain = set()

    def take_map_of(self, other):
        self.chunks = dict(other.chunks)
        self.sums = dict(other.sums)
        self.uncertain = set(other.uncertain)

    def unmap(self, first, count, blocks_per_chunk):
        for chunk in range(first, first + count):
            self.chunks.pop(chunk, None)
            for block in range(chunk * blocks_per_chunk, (chunk + 1) * blocks_per_chunk):
                self.sums.pop(block, None)

    def take_sums(self, operation, at):
        first, count = u64(operation, at), u64(operation, at + 8)
        for i in range(count):
            self.sums[first + i] = u32(operation, at + 16 + 4 * i)


class Pool:
    def __init__(self, paths):
        found = [(m, m.newest(b"VSPB", 40)) for m in members_of(paths)]
        for member, block in found:
            if block is None:
                raise Refused(f"{member.path} has no sound superblock")
            features = u32(block, 112) if u32(block, 8) == 2 else 0
            if u32(block, 8) not in (1, 2) or features & ~3:
                raise Refused(f"{member.path} is of a version or has features that are not known")
        state = max((block for _, block in found), key=lambda block: u64(block, 40))
        self.read_superblock(state)
        own = {}
        for member, block in found:
            own[uuid_at(block, 1024 + 64 * u32(block, 32))] = member
        self.members = []
        for index, (member, _, chunks) in enumerate(self.table):
            if chunks and member not in own:
                raise Refused(f"member {index} of the pool, {member}, is not here")
            self.members.append(own.get(member))
        self.volumes = {}
        self.read_catalog(u64(state, 88), u32(state, 96))
        self.groups = self.replay(u64(state, 64), u64(state, 72), u32(state, 80))

    def read_superblock(self, block):
        self.shift = u32(block, 12)
        self.blocks_per_chunk = (1 << self.shift) // BLOCK
        self.uuid = uuid_at(block, 16)
        self.generation = u64(block, 40)
        self.journal_bytes = u64(block, 56)
        moved = u32(block, 8) == 2 and u32(block, 112) & 2
        self.journal = (u32(block, 116), u64(block, 120)) if moved else (0, 1 << 20)
        self.table, self.marks = [], []
        for i in range(u32(block, 36)):
            at = 1024 + 64 * i
            self.table.append((uuid_at(block, at), u64(block, at + 16), u64(block, at + 24)))
            self.marks.append(u64(block, at + 32))

    def read_chunk(self, number, at, length):
        member, index = number >> 32 & 0xFF, number & 0xFFFFFFFF
        if member >= len(self.table) or index >= self.marks[member]:
            raise Refused(f"chunk {index} of member {member} is referred to and was never used")
        start = self.table[member][1]
        return self.members[member].read(start + (index << self.shift) + at, length)

    def block(self, address, magic, what):
        number, at = address & 0xFFFFFFFFFF, address >> 40 & 0xFF
        block = self.read_chunk(number, at * BLOCK, BLOCK)
        if not is_sound(block, magic):
            raise Refused(f"{what} is damaged")
        return block

    def read_catalog(self, address, count):
        for number in range(count):
            block = self.block(address, b"VSCA", f"block {number} of the catalog")
            if u32(block, 12) != number:
                raise Refused(f"block {number} of the catalog is another one")
            for i in range(u32(block, 8)):
                self.add(Volume(block[256 * (i + 1) : 256 * (i + 2)]))
            address = u64(block, 16)
        for volume in self.volumes.values():
            if volume.root & PRESENT:
                self.read_map(volume, volume.root, volume.height - 1, 0, 0)
            if volume.sums_root & PRESENT:
                self.read_map(volume, volume.sums_root, volume.sums_height - 1, 0, 1)

    def add(self, volume):
        self.volumes[volume.id] = volume
        return volume

    def read_map(self, volume, address, level, index, sums):
        what = f"page {index} of level {level} of {'checksums' if sums else 'the map'} of {volume.name}"
        leaf = level == 0
        page = self.block(address, b"VSCS" if sums and leaf else b"VSMP", what)
        if u32(page, 8) != level or u64(page, 16) != index:
            raise Refused(f"{what} is another one")
        if sums and leaf:
            marks = int.from_bytes(page[64 : 64 + 14 * 8], "little")
            for i, value in enumerate(struct.unpack_from("<896I", page, 512)):
                volume.sums[index * 896 + i] = value
                if marks >> i & 1:
                    volume.uncertain.add(index * 896 + i)
            return
        for i in range(512):
            entry = int.from_bytes(page[512 + 7 * i : 519 + 7 * i], "little")
            if entry & PRESENT and leaf:
                volume.chunks[index * 512 + i] = entry & ~PRESENT
            elif entry & PRESENT:
                self.read_map(volume, entry, level - 1, index * 512 + i, sums)

    # Journal

    def group(self, position):
        """The sound group of this pool at a position; or None."""
        header = self.ring(position, 64)
        length = u32(header, 32)
        if header[:4] != b"VSLJ" or length > self.journal_bytes - 64:
            return None
        group = self.ring(position, 64 + length)
        if u32(group, 4) != crc32c(group[8:]) or uuid_at(group, 40) != self.uuid:
            return None
        return group

    def ring(self, position, length):
        member, start = self.journal
        at = position % self.journal_bytes
        first = min(length, self.journal_bytes - at)
        data = self.members[member].read(start + at, first)
        return data + self.members[member].read(start, length - first)

    def replay(self, position, sequence, previous):
        groups = 0
        while True:
            group = self.group(position)
            if group is None or u64(group, 8) != sequence or u32(group, 36) != previous:
                break
            self.carry_out(group)
            previous = u32(group, 4)
            position += -(-len(group) // BLOCK) * BLOCK
            sequence += 1
            groups += 1
        for at in range(0, self.journal_bytes, BLOCK):
            group = self.group(at)
            if group is not None and u64(group, 24) >= sequence:
                raise Refused(f"the journal has lost group {sequence}, which was durable")
        return groups

    def carry_out(self, group):
        at = 64
        while at < len(group):
            kind, length = u32(group, at), u32(group, at + 4)
            self.operation(kind, group[at + 8 : at + length])
            at += length

    def operation(self, kind, op):
        if kind == 3:
            self.marks[u64(op, 0)] = u64(op, 8)
        elif kind == 4:
            self.add(Volume(op))
        elif kind == 5:
            for at in range(0, len(op), 264):
                self.add(Volume(op[at + 8 : at + 264])).take_map_of(self.volumes[u64(op, at)])
        elif kind == 10:
            chunk, old, new = struct.unpack_from("<3Q", op, 0)
            for volume in self.volumes.values():
                if volume.chunks.get(chunk) == old:
                    volume.chunks[chunk] = new
        else:
            self.operation_of(self.volumes[u64(op, 0)], kind, op)

    def operation_of(self, volume, kind, op):
        if kind == 1:
            first, chunk, count = struct.unpack_from("<3Q", op, 8)
            for i in range(count):
                volume.chunks[first + i] = chunk + i
        elif kind == 2:
            volume.unmap(u64(op, 8), u64(op, 16), self.blocks_per_chunk)
        elif kind == 6:
            del self.volumes[volume.id]
        elif kind == 7:
            volume.take_map_of(self.volumes[u64(op, 8)])
        elif kind == 8:
            volume.capacity = u64(op, 8)
        elif kind == 9:
            volume.name = op[16 : 16 + u32(op, 8)].decode()
        elif kind == 11:
            volume.chunks[u64(op, 8)] = u64(op, 16)
            volume.take_sums(op, 24)
        elif kind == 12:
            volume.uncertain.update(range(u64(op, 8), u64(op, 8) + u64(op, 16)))
        elif kind == 13:
            volume.uncertain.difference_update(range(u64(op, 8), u64(op, 8) + u64(op, 16)))
            volume.take_sums(op, 24)
        elif kind != 16:
            raise Refused(f"the journal has an operation of type {kind}, which is not known")

    # Content

    def verify(self, volume, chunk, data):
        """How many blocks match no checksum, and may."""
        off = 0
        for i in range(self.blocks_per_chunk):
            block = data[i * BLOCK : (i + 1) * BLOCK]
            number = chunk * self.blocks_per_chunk + i
            found = 0 if block == ZEROES else crc32c(block) ^ CRC_OF_ZEROES
            if found != volume.sums.get(number, 0):
                if number not in volume.uncertain:
                    raise Refused(f"block {number} of {volume.name} does not match its checksum")
                off += 1
        return off

    def extract(self, volume, path):
        if volume.flags & ENCRYPTED:
            raise Refused(f"{volume.name} is encrypted, and this reader takes no keys")
        off = 0
        with open(path, "wb") as out:
            out.truncate(volume.capacity)
            for chunk, place in sorted(volume.chunks.items()):
                data = self.read_chunk(place, 0, 1 << self.shift)
                if volume.flags & CHECKSUMS:
                    off += self.verify(volume, chunk, data)
                at = chunk << self.shift
                out.seek(at)
                out.write(data[: max(0, volume.capacity - at)])
        return off


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("list", "extract"):
        print(__doc__, file=sys.stderr)
        return 2
    extracts = arguments[0] == "extract"
    try:
        pool = Pool(arguments[2 if extracts else 1 :])
        print(f"pool {pool.uuid} generation {pool.generation} journal {pool.groups}")
        for volume in sorted(pool.volumes.values(), key=lambda v: v.id):
            off = pool.extract(volume, f"{arguments[1]}/{volume.id}") if extracts else 0
            kind = "snapshot" if volume.flags & SNAPSHOT else "volume"
            print("volume", volume.id, volume.origin, kind, volume.capacity, off, volume.name)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
