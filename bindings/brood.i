// The low storey: one low function for each C function, in every language.
//
// The language's file comes first: it says how a bytes argument, a handle, a status ... look there
// (the macros and patterns that README.md lists). The common files then say which function follows
// which pattern, so that a new C function needs no line here, or one.
%module brood_low

%{
#include <brood/brood.h>

#include "common/batch.hpp"
#include "common/record.hpp"
#include "common/view.hpp"
%}

%include <stdint.i>

#if defined(SWIGGO)
%include "go/brood_go.i"
#elif defined(SWIGJAVA)
%include "java/brood_java.i"
#elif defined(SWIGPYTHON)
%include "python/brood_python.i"
#elif defined(SWIGRUBY)
%include "ruby/brood_ruby.i"
#else
#error "no file for this language: see README.md"
#endif

%include "common/names.i"
%include "common/status.i"
%include "common/bytes.i"
%include "common/handles.i"
%include "common/time.i"
%include "common/records.i"

%include <brood/base.h>
%include <brood/error.h>
%include <brood/handle.h>
%include <brood/init.h>
%include <brood/message.h>
%include <brood/pipe.h>
%include <brood/process.h>
%include <brood/pool.h>
%include <brood/queue.h>
%include <brood/rendezvous.h>
%include <brood/shared.h>
%include <brood/sync.h>
%include <brood/worker.h>
%include "common/batch.hpp"
%include "common/record.hpp"
%include "common/view.hpp"
