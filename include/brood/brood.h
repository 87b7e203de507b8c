/**
 * @file
 * Everything, in the order to read it: base (the rules), error, init, worker, pool, process,
 * handle, message, queue, pipe, shared, sync, rendezvous.
 */
#ifndef BROOD_BROOD_H
#define BROOD_BROOD_H

#include <brood/base.h>
#include <brood/error.h>
#include <brood/handle.h>
#include <brood/init.h>
#include <brood/message.h>
#include <brood/pipe.h>
#include <brood/pool.h>
#include <brood/process.h>
#include <brood/queue.h>
#include <brood/rendezvous.h>
#include <brood/shared.h>
#include <brood/sync.h>
#include <brood/worker.h>

#endif
