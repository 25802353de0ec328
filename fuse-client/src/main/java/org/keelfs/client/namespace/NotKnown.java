package org.keelfs.client.namespace;

/** A row that a command needs is not known here: the server has to run it. Carries no trace. */
final class NotKnown extends RuntimeException {
    private static final long serialVersionUID = 1L;

    static final NotKnown INSTANCE = new NotKnown();

    private NotKnown() {
        super("not known under a lease", null, false, false);
    }
}
