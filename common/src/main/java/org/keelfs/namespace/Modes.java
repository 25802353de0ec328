package org.keelfs.namespace;

/** The permission bits of st_mode by name, and the masks of access(2). */
final class Modes {
    static final int SETUID = 04000;
    static final int SETGID = 02000;
    static final int STICKY = 01000;
    static final int GROUP_EXECUTE = 0010;
    static final int ALL = 07777;
    static final int PERMISSIONS = 0777;

    /** R_OK. */
    static final int READ = 4;

    /** W_OK. */
    static final int WRITE = 2;

    /** X_OK; of a directory the right to look names up. */
    static final int EXECUTE = 1;

    private Modes() {}
}
