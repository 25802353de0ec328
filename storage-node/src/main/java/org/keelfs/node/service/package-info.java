/** From an incoming call to the register machine and on to the store. */
@NullMarked
package org.keelfs.node.service;

import org.jspecify.annotations.NullMarked;
