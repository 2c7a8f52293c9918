;; A command of WASI 0.3. It increments the key "count" in the store "default" and prints the sum, which is one digit, its
;; arguments, its environment and its folders, each on a line. Its first argument says how it ends: "fail" returns an error,
;; "trap" traps, and "exit" calls wasi:cli/exit.
(module
  (import "wasmcloud:keyvalue/store@0.2.0" "open" (func $open (param i32 i32 i32)))
  (import "wasmcloud:keyvalue/atomics@0.2.0" "increment" (func $increment (param i32 i32 i32 i64 i32)))
  (import "wasi:cli/environment@0.3.0" "get-arguments" (func $get-arguments (param i32)))
  (import "wasi:cli/environment@0.3.0" "get-environment" (func $get-environment (param i32)))
  (import "wasi:cli/exit@0.3.0" "exit" (func $exit (param i32)))
  (import "wasi:filesystem/preopens@0.3.0" "get-directories" (func $get-directories (param i32)))
  (import "wasi:cli/stdout@0.3.0" "write-via-stream" (func $write-via-stream (param i32) (result i32)))
  (import "wasi:cli/stdout@0.3.0" "[stream-new-0]write-via-stream" (func $new-stream (result i64)))
  (import "wasi:cli/stdout@0.3.0" "[stream-write-0]write-via-stream" (func $write (param i32 i32 i32) (result i32)))
  (import "wasi:cli/stdout@0.3.0" "[stream-drop-writable-0]write-via-stream" (func $drop-stream (param i32)))
  (import "wasi:cli/stdout@0.3.0" "[future-read-1]write-via-stream" (func $read-future (param i32 i32) (result i32)))

  (memory (export "memory") 2)
  (data (i32.const 16) "default\n=count")
  (data (i32.const 32) "0\n")
  (global $stdout (mut i32) (i32.const 0))
  (global $heap (mut i32) (i32.const 16384))

  ;; Results of calls start at 64.
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func $print (param $text i32) (param $length i32)
    (drop (call $write (global.get $stdout) (local.get $text) (local.get $length))))

  (func $print-string (param $string i32)
    (call $print (i32.load (local.get $string)) (i32.load offset=4 (local.get $string))))

  (func $print-newline
    (call $print (i32.const 23) (i32.const 1)))

  (func $print-arguments
    (local $index i32) (local $count i32) (local $list i32)
    (call $get-arguments (i32.const 64))
    (local.set $list (i32.load (i32.const 64)))
    (local.set $count (i32.load (i32.const 68)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
        (call $print-string (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 8))))
        (call $print-newline)
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next))))

  (func $print-environment
    (local $index i32) (local $count i32) (local $list i32) (local $variable i32)
    (call $get-environment (i32.const 64))
    (local.set $list (i32.load (i32.const 64)))
    (local.set $count (i32.load (i32.const 68)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
        (local.set $variable (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 16))))
        (call $print-string (local.get $variable))
        (call $print (i32.const 24) (i32.const 1))
        (call $print-string (i32.add (local.get $variable) (i32.const 8)))
        (call $print-newline)
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next))))

  (func $print-folders
    (local $index i32) (local $count i32) (local $list i32)
    (call $get-directories (i32.const 64))
    (local.set $list (i32.load (i32.const 64)))
    (local.set $count (i32.load (i32.const 68)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
        (call $print-string
          (i32.add (i32.const 4) (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 12)))))
        (call $print-newline)
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next))))

  ;; Returns the first letter of the first argument after the name, or 0.
  (func $how-to-end (result i32)
    (call $get-arguments (i32.const 64))
    (if (i32.lt_u (i32.load (i32.const 68)) (i32.const 2)) (then (return (i32.const 0))))
    (i32.load8_u (i32.load offset=8 (i32.load (i32.const 64)))))

  (func (export "wasi:cli/run@0.3.0#run") (result i32)
    (local $ends i64) (local $written i32) (local $end i32)
    (call $open (i32.const 16) (i32.const 7) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return (i32.const 1))))
    (call $increment (i32.load (i32.const 68)) (i32.const 25) (i32.const 5) (i64.const 1) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return (i32.const 1))))
    (i32.store8 (i32.const 32) (i32.add (i32.const 48) (i32.load (i32.const 72))))
    ;; The lower half is the readable end, and the upper half the writable end.
    (local.set $ends (call $new-stream))
    (local.set $written (call $write-via-stream (i32.wrap_i64 (local.get $ends))))
    (global.set $stdout (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
    (call $print (i32.const 32) (i32.const 2))
    (call $print-arguments)
    (call $print-environment)
    (call $print-folders)
    (call $drop-stream (global.get $stdout))
    (drop (call $read-future (local.get $written) (i32.const 96)))
    (local.set $end (call $how-to-end))
    (if (i32.eq (local.get $end) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $end) (i32.const 101)) (then (call $exit (i32.const 1))))
    (i32.eq (local.get $end) (i32.const 102))))
