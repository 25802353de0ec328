/**
 * Namespace write-back: commands run here under WRITE leases, and what is on its way to the server.
 */
@NullMarked
package org.keelfs.client.namespace;

import org.jspecify.annotations.NullMarked;
