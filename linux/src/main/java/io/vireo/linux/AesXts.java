package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * AES-256 in XTS mode (IEEE 1619, NIST SP 800-38E) by OpenSSL's libcrypto: the JDK has no XTS. The
 * tweak of a data unit is its number, little-endian. One thread at a time; calls allocate nothing.
 *
 * <p>Memory has to be our own. Native code that works on what a guest shares would die with it, and
 * the guest could change what is enciphered meanwhile.
 */
public final class AesXts implements AutoCloseable {
    /** Bytes of a key: that of the data, then that of the tweak. */
    public static final int KEY_BYTES = 64;

    /** Data units are a multiple of this. */
    public static final int BLOCK_BYTES = 16;

    private static final String LIBRARY = "libcrypto.so.3";
    private static final int IV_BYTES = 16;

    // What openssl/evp.h calls enc.
    private static final int ENCRYPT = 1;
    private static final int DECRYPT = 0;
    private static final int UNCHANGED = -1;

    private final NativeBuffer scratch;
    private long encryption;
    private long decryption;

    /** The functions of the library, found when they are first needed. */
    private static final class Library {
        static final MethodHandle CONTEXT_NEW;
        static final MethodHandle CONTEXT_FREE;
        static final MethodHandle CIPHER;
        static final MethodHandle INIT;
        static final MethodHandle UPDATE;

        static {
            SymbolLookup found = SymbolLookup.libraryLookup(LIBRARY, Arena.global());
            var pointer = ValueLayout.JAVA_LONG;
            var number = ValueLayout.JAVA_INT;
            CONTEXT_NEW = link(found, "EVP_CIPHER_CTX_new", FunctionDescriptor.of(pointer));
            CONTEXT_FREE = link(found, "EVP_CIPHER_CTX_free", FunctionDescriptor.ofVoid(pointer));
            CIPHER = link(found, "EVP_aes_256_xts", FunctionDescriptor.of(pointer));
            INIT =
                    critical(
                            found,
                            "EVP_CipherInit_ex",
                            number,
                            pointer,
                            pointer,
                            pointer,
                            pointer,
                            pointer,
                            number);
            UPDATE =
                    critical(
                            found,
                            "EVP_CipherUpdate",
                            number,
                            pointer,
                            pointer,
                            pointer,
                            pointer,
                            number);
        }

        private Library() {}

        private static MethodHandle link(
                SymbolLookup library, String name, FunctionDescriptor type) {
            return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), type);
        }

        /** For calls that end within a microsecond: they do not leave the Java state. */
        private static MethodHandle critical(
                SymbolLookup library, String name, MemoryLayout result, MemoryLayout... arguments) {
            return Linker.nativeLinker()
                    .downcallHandle(
                            library.findOrThrow(name),
                            FunctionDescriptor.of(result, arguments),
                            Linker.Option.critical(false));
        }
    }

    private AesXts(NativeBuffer scratch) {
        this.scratch = scratch;
    }

    /** Whether the host has the library. */
    public static boolean isAvailable() {
        try {
            return Library.UPDATE != null;
        } catch (ExceptionInInitializerError | NoClassDefFoundError absent) {
            return false;
        }
    }

    /**
     * Makes one.
     *
     * @param key {@link #KEY_BYTES} bytes, of which the two halves differ; not kept
     * @throws IllegalArgumentException if the library refuses the key
     */
    public static AesXts of(byte[] key) {
        if (key.length != KEY_BYTES) {
            throw new IllegalArgumentException("a key of " + key.length + " bytes");
        }
        var made = new AesXts(NativeBuffer.allocate(IV_BYTES + Long.BYTES, IV_BYTES));
        try (NativeBuffer copy = NativeBuffer.allocate(KEY_BYTES, Long.BYTES)) {
            ForeignMemory.copyFromArray(key, 0, copy.address(), KEY_BYTES);
            made.encryption = made.context(copy.address(), ENCRYPT);
            made.decryption = made.context(copy.address(), DECRYPT);
            ForeignMemory.fill(copy.address(), KEY_BYTES, (byte) 0);
            return made;
        } catch (RuntimeException e) {
            made.close();
            throw e;
        }
    }

    private long context(long key, int direction) {
        try {
            long context = (long) Library.CONTEXT_NEW.invokeExact();
            long cipher = (long) Library.CIPHER.invokeExact();
            int done =
                    context == 0
                            ? 0
                            : (int)
                                    Library.INIT.invokeExact(
                                            context, cipher, 0L, key, 0L, direction);
            if (done != 1) {
                free(context);
                throw new IllegalArgumentException(LIBRARY + " refuses the key for AES-256-XTS");
            }
            return context;
        } catch (RuntimeException | Error thrown) {
            throw thrown;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /**
     * Enciphers data units in place.
     *
     * @param address of our own memory
     * @param length bytes, a multiple of {@code unitBytes}
     * @param unitBytes bytes of a data unit, a multiple of {@link #BLOCK_BYTES}
     * @param firstUnit number of the first data unit
     */
    public void encrypt(long address, long length, int unitBytes, long firstUnit) {
        run(encryption, address, length, unitBytes, firstUnit);
    }

    /** Deciphers data units in place; the same arguments. */
    public void decrypt(long address, long length, int unitBytes, long firstUnit) {
        run(decryption, address, length, unitBytes, firstUnit);
    }

    private void run(long context, long address, long length, int unitBytes, long firstUnit) {
        long iv = scratch.address();
        long written = iv + IV_BYTES;
        long unit = firstUnit;
        ForeignMemory.putLong(iv + Long.BYTES, 0);
        for (long at = address; at < address + length; at += unitBytes) {
            ForeignMemory.putLong(iv, unit++);
            if (!unit(context, iv, at, written, unitBytes)) {
                throw new IllegalStateException(LIBRARY + " failed to carry AES-256-XTS out");
            }
        }
    }

    private static boolean unit(long context, long iv, long at, long written, int length) {
        try {
            int begun = (int) Library.INIT.invokeExact(context, 0L, 0L, 0L, iv, UNCHANGED);
            int done = (int) Library.UPDATE.invokeExact(context, at, written, at, length);
            return begun == 1 && done == 1;
        } catch (RuntimeException | Error thrown) {
            throw thrown;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static void free(long context) {
        try {
            Library.CONTEXT_FREE.invokeExact(context);
        } catch (RuntimeException | Error thrown) {
            throw thrown;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** Zeroes and frees the keys; libcrypto zeroes what it frees. */
    @Override
    public void close() {
        if (encryption != 0) {
            free(encryption);
        }
        if (decryption != 0) {
            free(decryption);
        }
        encryption = 0;
        decryption = 0;
        scratch.close();
    }
}
