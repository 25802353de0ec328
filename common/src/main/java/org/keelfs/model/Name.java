package org.keelfs.model;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One path component: bytes, not characters; any but NUL and slash. Compared bytewise, unsigned.
 * Length limits and the special names are checked by the operations, with their errno.
 */
public final class Name implements Comparable<Name> {
    /** NAME_MAX of limits.h. */
    public static final int BYTES_MAX = 255;

    private final byte[] bytes;
    private final int hash;

    private Name(byte[] bytes) {
        this.bytes = bytes;
        this.hash = Arrays.hashCode(bytes);
    }

    /** Takes over the array: the caller must not change it afterwards. */
    public static Name of(byte[] bytes) {
        return new Name(bytes);
    }

    public static Name of(String text) {
        return new Name(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The bytes themselves, not to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    public int length() {
        return bytes.length;
    }

    @Override
    public int compareTo(Name other) {
        return Arrays.compareUnsigned(bytes, other.bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Name name && Arrays.equals(bytes, name.bytes);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** For messages: UTF-8 where it is, replacement characters where it is not. */
    @Override
    public String toString() {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
