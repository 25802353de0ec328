package org.keelfs.model;

/** Type of an inode, with the S_IFMT bits of stat(2). */
public enum FileType {
    FIFO(0x1000),
    CHARACTER_DEVICE(0x2000),
    DIRECTORY(0x4000),
    BLOCK_DEVICE(0x6000),
    REGULAR(0x8000),
    SYMLINK(0xA000),
    SOCKET(0xC000);

    private final int modeBits;

    FileType(int modeBits) {
        this.modeBits = modeBits;
    }

    /** The S_IFMT bits. */
    public int modeBits() {
        return modeBits;
    }

    /** The d_type of readdir(3). */
    public int direntType() {
        return modeBits >> 12;
    }

    /** Type of these st_mode bits; REGULAR when they name no type, as mknod(2) has it. */
    public static FileType ofMode(int mode) {
        for (FileType type : values()) {
            if (type.modeBits == (mode & 0xF000)) {
                return type;
            }
        }
        if ((mode & 0xF000) == 0) {
            return REGULAR;
        }
        throw new IllegalArgumentException("no file type in mode " + Integer.toOctalString(mode));
    }
}
