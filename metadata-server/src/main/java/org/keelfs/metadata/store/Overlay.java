package org.keelfs.metadata.store;

import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one command changed so far, on top of a base that it does not touch. Confined to the
 * applying thread.
 */
final class Overlay implements KeySpace {
    /** In place of a value: the key is deleted. Known by identity. */
    private static final byte[] DELETED = new byte[0];

    private final KeySpace base;
    private final Changes[] changes = new Changes[Family.values().length];

    private static final class Changes {
        final TreeMap<byte[], byte[]> byKey = new TreeMap<>(Arrays::compareUnsigned);
    }

    /** Takes the changes of one family and key; null deletes it. */
    interface Sink<X extends Exception> {
        void change(Family family, byte[] key, byte @Nullable [] value) throws X;
    }

    Overlay(KeySpace base) {
        this.base = base;
    }

    @Override
    public byte @Nullable [] get(Family family, byte[] key) {
        Changes changed = changes[family.ordinal()];
        byte[] value = changed == null ? null : changed.byKey.get(key);
        if (value == null) {
            return base.get(family, key);
        }
        return isDeleted(value) ? null : value;
    }

    @Override
    public void put(Family family, byte[] key, byte[] value) {
        // Equal to DELETED in content, another object.
        changed(family).byKey.put(key, isDeleted(value) ? new byte[0] : value);
    }

    @Override
    public void delete(Family family, byte[] key) {
        changed(family).byKey.put(key, DELETED);
    }

    private Changes changed(Family family) {
        Changes changed = changes[family.ordinal()];
        if (changed == null) {
            changed = new Changes();
            changes[family.ordinal()] = changed;
        }
        return changed;
    }

    @SuppressWarnings("ReferenceEquality")
    private static boolean isDeleted(byte[] value) {
        return value == DELETED;
    }

    <X extends Exception> void forEach(Sink<X> sink) throws X {
        for (Family family : Family.values()) {
            Changes changed = changes[family.ordinal()];
            if (changed != null) {
                for (Map.Entry<byte[], byte[]> e : changed.byKey.entrySet()) {
                    sink.change(family, e.getKey(), isDeleted(e.getValue()) ? null : e.getValue());
                }
            }
        }
    }

    @Override
    public void scan(Family family, byte[] prefix, byte[] from, Visitor visitor) {
        Changes changed = changes[family.ordinal()];
        if (changed == null) {
            base.scan(family, prefix, from, visitor);
            return;
        }
        var merge =
                new Merge(changed.byKey.tailMap(from, true).entrySet().iterator(), prefix, visitor);
        base.scan(family, prefix, from, merge);
        merge.rest();
    }

    /** Two sorted streams as one; where both have a key, the change counts. */
    private static final class Merge implements Visitor {
        private final Iterator<Map.Entry<byte[], byte[]>> changes;
        private final byte[] prefix;
        private final Visitor visitor;
        private Map.@Nullable Entry<byte[], byte[]> next;
        private boolean stopped;

        Merge(Iterator<Map.Entry<byte[], byte[]>> changes, byte[] prefix, Visitor visitor) {
            this.changes = changes;
            this.prefix = prefix;
            this.visitor = visitor;
            advance();
        }

        private void advance() {
            next = changes.hasNext() ? changes.next() : null;
            if (next != null && !Keys.hasPrefix(next.getKey(), prefix)) {
                next = null;
            }
        }

        @Override
        public boolean visit(byte[] key, byte[] value) {
            while (!stopped && next != null) {
                int order = Arrays.compareUnsigned(next.getKey(), key);
                if (order > 0) {
                    break;
                }
                emit(next);
                advance();
                if (order == 0) {
                    return !stopped;
                }
            }
            stopped = stopped || !visitor.visit(key, value);
            return !stopped;
        }

        void rest() {
            while (!stopped && next != null) {
                emit(next);
                advance();
            }
        }

        private void emit(Map.Entry<byte[], byte[]> change) {
            if (!isDeleted(change.getValue())) {
                stopped = !visitor.visit(change.getKey(), change.getValue());
            }
        }
    }
}
