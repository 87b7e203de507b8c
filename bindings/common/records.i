// Options and counts: structs whose strings and arrays need storage, and whose fields come and go with
// versions, are filled and read by name (record.hpp) and passed as brood_record.
//   %brood_record(TYPE)       a parameter `const TYPE *options` or `TYPE *out` is a brood_record that
//                             record_create("TYPE without brood_") made; none is NULL
%define %brood_option_struct(TYPE)
%ignore TYPE;
%brood_record(TYPE)
%enddef

%ignore brood_init_options;
%brood_option_struct(brood_start_options)
%brood_option_struct(brood_pool_options)
%brood_option_struct(brood_submit_options)
%brood_option_struct(brood_stream_options)
%brood_option_struct(brood_process_options)
%brood_option_struct(brood_queue_options)
%brood_option_struct(brood_publish_options)
%brood_option_struct(brood_lookup_options)
%brood_option_struct(brood_shared_options)
%brood_option_struct(brood_lock_options)
%brood_option_struct(brood_semaphore_options)
%brood_option_struct(brood_condition_options)
%brood_option_struct(brood_rwlock_options)
%brood_option_struct(brood_pool_stats)
%brood_option_struct(brood_queue_stats)
%brood_option_struct(brood_usage)

%ignore brood_limits;
%ignore brood_worker_info;
%ignore brood_view;

// brood_start() stands for it: its command line is a record's field.
%ignore brood_init;
