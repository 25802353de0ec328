/** The command line and its exit codes. */
@NullMarked
package org.keelfs.cli;

import org.jspecify.annotations.NullMarked;
