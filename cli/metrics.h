/*
 * metrics: what status found, for Prometheus.
 *
 * Text exposition format 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 *
 * All are gauges, in base units. What can't be known has no sample, and never a
 * 0 that somebody might believe. No key is named: a name in a label would make
 * a series for each key that ever was, and shows whoever may read the metrics
 * who has keys here. `apikey list` names them, to root.
 */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include <stdio.h>

#include "status.h"

void metrics_print(const struct status *s, FILE *f);

#endif
