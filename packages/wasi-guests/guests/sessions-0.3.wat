;; An HTTP service of WASI 0.3 that keeps sessions in the store "sessions". The path of a request is the key. GET returns the
;; session or 404, POST stores the body as the session, and PUT increments the session and returns it. The header
;; `instance-requests` counts the requests of the instance, and the header `echo` is a copy of that of the request.
;; PATCH traps, and OPTIONS returns an error.
(module
  (import "wasmcloud:keyvalue/store@0.2.0" "open" (func $open (param i32 i32 i32)))
  (import "wasmcloud:keyvalue/types@0.2.0" "[method]bucket.get" (func $get (param i32 i32 i32 i32)))
  (import "wasmcloud:keyvalue/types@0.2.0" "[method]bucket.set"
    (func $set (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32)))
  (import "wasmcloud:keyvalue/atomics@0.2.0" "increment" (func $increment (param i32 i32 i32 i64 i32)))
  (import "wasi:http/types@0.3.0" "[method]request.get-method" (func $method (param i32 i32)))
  (import "wasi:http/types@0.3.0" "[method]request.get-path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.3.0" "[method]request.get-headers" (func $headers (param i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[static]request.consume-body" (func $consume-body (param i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[future-new-0][static]request.consume-body" (func $new-received (result i64)))
  (import "wasi:http/types@0.3.0" "[stream-read-1][static]request.consume-body"
    (func $read (param i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[constructor]fields" (func $new-fields (result i32)))
  (import "wasi:http/types@0.3.0" "[method]fields.get" (func $get-fields (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[static]response.new" (func $new-response (param i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[stream-new-0][static]response.new" (func $new-stream (result i64)))
  (import "wasi:http/types@0.3.0" "[stream-write-0][static]response.new"
    (func $write (param i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[stream-drop-writable-0][static]response.new" (func $drop-stream (param i32)))
  (import "wasi:http/types@0.3.0" "[future-new-1][static]response.new" (func $new-trailers (result i64)))
  (import "wasi:http/types@0.3.0" "[future-write-1][static]response.new"
    (func $write-trailers (param i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[future-drop-writable-1][static]response.new" (func $drop-trailers (param i32)))
  (import "wasi:http/types@0.3.0" "[method]response.set-status-code" (func $set-status (param i32 i32) (result i32)))
  (import "[export]wasi:http/handler@0.3.0" "[task-return]handle" (func $return (param i32 i32 i32 i32 i32)))

  (memory (export "memory") 16)
  (data (i32.const 16) "sessions")
  (data (i32.const 32) "instance-requests")
  (data (i32.const 52) "echo")
  (global $heap (mut i32) (i32.const 4096))
  (global $requests (mut i32) (i32.const 0))
  (global $body (mut i32) (i32.const 0))
  (global $length (mut i32) (i32.const 0))
  (global $stream (mut i32) (i32.const 0))
  (global $trailers (mut i32) (i32.const 0))

  ;; Results of calls start at 64, the path is at 132 and 136, and the headers to echo are at 160 and 164. An instance serves
  ;; one request, so nothing is freed.
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  ;; Reads the body to 524288, and returns its length. The lowest bits of a result are 1 after the last part.
  (func $read-body (param $request i32) (result i32)
    (local $end i32) (local $result i32)
    (call $consume-body (local.get $request) (i32.wrap_i64 (call $new-received)) (i32.const 64))
    (local.set $end (i32.const 524288))
    (loop $next
      (local.set $result (call $read (i32.load (i32.const 64)) (local.get $end) (i32.const 16384)))
      (local.set $end (i32.add (local.get $end) (i32.shr_u (local.get $result) (i32.const 4))))
      (br_if $next (i32.eqz (i32.and (local.get $result) (i32.const 15)))))
    (i32.sub (local.get $end) (i32.const 524288)))

  ;; Returns the response. The callback writes its body.
  (func $respond (param $status i32) (param $body i32) (param $length i32)
    (local $headers i32) (local $stream i64) (local $trailers i64)
    (local.set $headers (call $new-fields))
    (i32.store8 (i32.const 56) (i32.add (i32.const 48) (global.get $requests)))
    (call $append (local.get $headers) (i32.const 32) (i32.const 17) (i32.const 56) (i32.const 1) (i32.const 64))
    (if (i32.load (i32.const 164)) (then
      (call $append (local.get $headers) (i32.const 52) (i32.const 4)
        (i32.load (i32.load (i32.const 160))) (i32.load offset=4 (i32.load (i32.const 160))) (i32.const 64))))
    ;; The lower half is the readable end, and the upper half the writable end.
    (local.set $stream (call $new-stream))
    (local.set $trailers (call $new-trailers))
    (call $new-response (local.get $headers) (i32.const 1) (i32.wrap_i64 (local.get $stream))
      (i32.wrap_i64 (local.get $trailers)) (i32.const 64))
    (drop (call $set-status (i32.load (i32.const 64)) (local.get $status)))
    (call $return (i32.const 0) (i32.load (i32.const 64)) (i32.const 0) (i32.const 0) (i32.const 0))
    (global.set $body (local.get $body))
    (global.set $length (local.get $length))
    (global.set $stream (i32.wrap_i64 (i64.shr_u (local.get $stream) (i64.const 32))))
    (global.set $trailers (i32.wrap_i64 (i64.shr_u (local.get $trailers) (i64.const 32)))))

  ;; Writes the body, and then says that there are no trailers. The lowest bits of a result are 1 if nothing reads the rest.
  (func $write-body
    (local $written i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (global.get $length)))
        (local.set $written (call $write (global.get $stream) (global.get $body) (global.get $length)))
        (br_if $done (i32.and (local.get $written) (i32.const 15)))
        (local.set $written (i32.shr_u (local.get $written) (i32.const 4)))
        (global.set $body (i32.add (global.get $body) (local.get $written)))
        (global.set $length (i32.sub (global.get $length) (local.get $written)))
        (br $next)))
    (call $drop-stream (global.get $stream))
    (i64.store (i32.const 144) (i64.const 0))
    (i64.store (i32.const 152) (i64.const 0))
    (drop (call $write-trailers (global.get $trailers) (i32.const 144)))
    (call $drop-trailers (global.get $trailers)))

  ;; Responds with the session.
  (func $respond-session (param $bucket i32)
    (call $get (local.get $bucket) (i32.load (i32.const 132)) (i32.load (i32.const 136)) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (call $respond (i32.const 503) (i32.const 0) (i32.const 0)) (return)))
    (if (i32.eqz (i32.load8_u (i32.const 68)))
      (then (call $respond (i32.const 404) (i32.const 0) (i32.const 0)) (return)))
    (call $respond (i32.const 200) (i32.load (i32.const 72)) (i32.load (i32.const 76))))

  ;; Returns 0 to end, or 1 to be called back.
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param $request i32) (result i32)
    (local $method i32) (local $bucket i32) (local $length i32)
    (global.set $requests (i32.add (global.get $requests) (i32.const 1)))
    (call $method (local.get $request) (i32.const 64))
    (local.set $method (i32.load8_u (i32.const 64)))
    (if (i32.eq (local.get $method) (i32.const 8)) (then unreachable))
    (if (i32.eq (local.get $method) (i32.const 6))
      (then
        (call $return (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0))
        (return (i32.const 0))))
    (call $path (local.get $request) (i32.const 128))
    (call $get-fields (call $headers (local.get $request)) (i32.const 52) (i32.const 4) (i32.const 160))
    (call $open (i32.const 16) (i32.const 8) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then unreachable))
    (local.set $bucket (i32.load (i32.const 68)))
    (if (i32.eq (local.get $method) (i32.const 2))
      (then
        (local.set $length (call $read-body (local.get $request)))
        (call $set (local.get $bucket) (i32.load (i32.const 132)) (i32.load (i32.const 136))
          (i32.const 524288) (local.get $length) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 64))
        (call $respond (select (i32.const 503) (i32.const 204) (i32.load8_u (i32.const 64))) (i32.const 0) (i32.const 0))
        (return (i32.const 1))))
    (if (i32.eq (local.get $method) (i32.const 3))
      (then
        (call $increment (local.get $bucket) (i32.load (i32.const 132)) (i32.load (i32.const 136)) (i64.const 1)
          (i32.const 64))))
    (call $respond-session (local.get $bucket))
    (i32.const 1))

  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    (call $write-body)
    (i32.const 0)))
