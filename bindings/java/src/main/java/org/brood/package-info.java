/**
 * Worker processes, pools, queues, locks and shared memory, between Java and every other language.
 *
 * <p>Begin with {@link org.brood.Brood} and {@link org.brood.Pool}. Methods that wait throw {@link
 * java.lang.InterruptedException} at once when their thread is interrupted, unless they say otherwise.
 */
package org.brood;
