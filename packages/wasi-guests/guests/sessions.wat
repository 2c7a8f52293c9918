;; An HTTP service that keeps sessions in the store "sessions". The path of a request is the key. GET returns the session
;; or 404, POST stores the body as the session, PUT increments the session and returns it, and DELETE deletes it. The
;; header `instance-requests` counts the requests of the instance, and the header `echo` is a copy of that of the request. PATCH
;; traps, and OPTIONS returns without a response.
(module
  (import "wasi:keyvalue/store@0.2.0-draft2" "open" (func $open (param i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.get" (func $get (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.set" (func $set (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.delete" (func $delete (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/atomics@0.2.0-draft2" "increment" (func $increment (param i32 i32 i32 i64 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.method" (func $method (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.headers" (func $headers (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.consume" (func $consume (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-body.stream" (func $body-stream (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $new-fields (result i32)))
  (import "wasi:http/types@0.2.0" "[method]fields.get" (func $get-fields (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $new-response (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.set-status-code"
    (func $set-status (param i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $response-body (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $body-write (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $respond (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-output (param i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))

  (memory (export "memory") 16)
  (data (i32.const 16) "sessions")
  (data (i32.const 32) "instance-requests")
  (data (i32.const 52) "echo")
  (global $heap (mut i32) (i32.const 4096))
  (global $requests (mut i32) (i32.const 0))

  ;; Results of calls start at 64, the path is at 128 and 132, and the headers to echo are at 144 and 148. An instance serves
  ;; one request, so nothing is freed.
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  ;; Reads the body to the end of the heap, which grows with each part. Returns its start.
  (func $read-body (param $request i32) (result i32)
    (local $stream i32) (local $start i32) (local $end i32) (local $part i32) (local $length i32)
    (call $consume (local.get $request) (i32.const 64))
    (call $body-stream (i32.load (i32.const 68)) (i32.const 64))
    (local.set $stream (i32.load (i32.const 68)))
    (local.set $start (i32.const 524288))
    (local.set $end (local.get $start))
    (block $done
      (loop $next
        (call $read (local.get $stream) (i64.const 16384) (i32.const 64))
        (br_if $done (i32.load8_u (i32.const 64)))
        (local.set $part (i32.load (i32.const 68)))
        (local.set $length (i32.load (i32.const 72)))
        (memory.copy (local.get $end) (local.get $part) (local.get $length))
        (local.set $end (i32.add (local.get $end) (local.get $length)))
        (br $next)))
    (i32.store (i32.const 136) (i32.sub (local.get $end) (local.get $start)))
    (local.get $start))

  (func $send (param $outparam i32) (param $status i32) (param $text i32) (param $length i32)
    (local $fields i32) (local $response i32) (local $body i32) (local $stream i32)
    (local.set $fields (call $new-fields))
    (i32.store8 (i32.const 56) (i32.add (i32.const 48) (global.get $requests)))
    (call $append (local.get $fields) (i32.const 32) (i32.const 17) (i32.const 56) (i32.const 1) (i32.const 64))
    (if (i32.load (i32.const 148)) (then
      (call $append (local.get $fields) (i32.const 52) (i32.const 4)
        (i32.load (i32.load (i32.const 144))) (i32.load offset=4 (i32.load (i32.const 144))) (i32.const 64))))
    (local.set $response (call $new-response (local.get $fields)))
    (drop (call $set-status (local.get $response) (local.get $status)))
    (call $response-body (local.get $response) (i32.const 64))
    (local.set $body (i32.load (i32.const 68)))
    (call $respond (local.get $outparam) (i32.const 0) (local.get $response)
      (i32.const 0) (i32.const 0) (i32.const 0))
    (call $body-write (local.get $body) (i32.const 64))
    (local.set $stream (i32.load (i32.const 68)))
    (if (local.get $length) (then
      (call $write (local.get $stream) (local.get $text) (local.get $length) (i32.const 64))))
    (call $drop-output (local.get $stream))
    (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 64)))

  ;; Answers with the session of the path.
  (func $send-session (param $outparam i32) (param $bucket i32)
    (call $get (local.get $bucket) (i32.load (i32.const 128)) (i32.load (i32.const 132)) (i32.const 64))
    (if (i32.load8_u (i32.const 64))
      (then (call $send (local.get $outparam) (i32.const 503) (i32.const 0) (i32.const 0)) (return)))
    (if (i32.eqz (i32.load8_u (i32.const 68)))
      (then (call $send (local.get $outparam) (i32.const 404) (i32.const 0) (i32.const 0)) (return)))
    (call $send (local.get $outparam) (i32.const 200) (i32.load (i32.const 72)) (i32.load (i32.const 76))))

  ;; Answers with 204, or with 503 if the last call on the store returned an error.
  (func $send-done (param $outparam i32)
    (call $send (local.get $outparam)
      (select (i32.const 503) (i32.const 204) (i32.load8_u (i32.const 64))) (i32.const 0) (i32.const 0)))

  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $outparam i32)
    (local $method i32) (local $bucket i32) (local $text i32)
    (global.set $requests (i32.add (global.get $requests) (i32.const 1)))
    (call $method (local.get $request) (i32.const 64))
    (local.set $method (i32.load8_u (i32.const 64)))
    (if (i32.eq (local.get $method) (i32.const 8)) (then unreachable))
    (if (i32.eq (local.get $method) (i32.const 6)) (then (return)))
    (call $get-fields (call $headers (local.get $request)) (i32.const 52) (i32.const 4) (i32.const 144))
    (call $path (local.get $request) (i32.const 64))
    (i32.store (i32.const 128) (i32.load (i32.const 68)))
    (i32.store (i32.const 132) (i32.load (i32.const 72)))
    (call $open (i32.const 16) (i32.const 8) (i32.const 64))
    (if (i32.load8_u (i32.const 64))
      (then (call $send (local.get $outparam) (i32.const 503) (i32.const 0) (i32.const 0)) (return)))
    (local.set $bucket (i32.load (i32.const 68)))
    (if (i32.eq (local.get $method) (i32.const 2)) (then
      (local.set $text (call $read-body (local.get $request)))
      (call $set (local.get $bucket) (i32.load (i32.const 128)) (i32.load (i32.const 132))
        (local.get $text) (i32.load (i32.const 136)) (i32.const 64))
      (call $send-done (local.get $outparam))
      (return)))
    (if (i32.eq (local.get $method) (i32.const 3)) (then
      (call $increment (local.get $bucket) (i32.load (i32.const 128)) (i32.load (i32.const 132))
        (i64.const 1) (i32.const 64))
      (if (i32.load8_u (i32.const 64)) (then (call $send-done (local.get $outparam)) (return)))
      (call $send-session (local.get $outparam) (local.get $bucket))
      (return)))
    (if (i32.eq (local.get $method) (i32.const 4)) (then
      (call $delete (local.get $bucket) (i32.load (i32.const 128)) (i32.load (i32.const 132)) (i32.const 64))
      (call $send-done (local.get $outparam))
      (return)))
    (call $send-session (local.get $outparam) (local.get $bucket))))
