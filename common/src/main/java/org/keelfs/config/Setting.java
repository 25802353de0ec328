package org.keelfs.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Documents one component of a configuration record and gives its default. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Setting {
    /** The value of a setting that must be given. */
    String REQUIRED = "\0required";

    /** What it is, with its unit. */
    String doc();

    /** Default, as it would stand in the file; empty for "none" of a text. */
    String value() default REQUIRED;
}
