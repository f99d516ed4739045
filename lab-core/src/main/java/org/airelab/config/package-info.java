/**
 * Typed configuration: nested records filled from defaults, a YAML file and overrides of the command line, with
 * errors that name the key, the place and the nearest valid key. Uses {@link org.airelab.base} and Jackson's YAML
 * parser; knows no configuration in particular.
 */
package org.airelab.config;
