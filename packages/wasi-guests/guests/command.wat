;; A command that writes 100 keys with one set-many and reads them with one get-many. It prints how many it found, its
;; arguments, its environment and its folders, each on a line. Its first argument says how it ends: "fail" returns an
;; error, "trap" traps, and "exit" calls wasi:cli/exit.
(module
  (import "wasi:keyvalue/store@0.2.0-draft2" "open" (func $open (param i32 i32 i32)))
  (import "wasi:keyvalue/batch@0.2.0-draft2" "set-many" (func $set-many (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/batch@0.2.0-draft2" "get-many" (func $get-many (param i32 i32 i32 i32)))
  (import "wasi:cli/environment@0.2.0" "get-arguments" (func $get-arguments (param i32)))
  (import "wasi:cli/environment@0.2.0" "get-environment" (func $get-environment (param i32)))
  (import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $get-stdout (result i32)))
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $get-directories (param i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))

  (memory (export "memory") 2)
  (data (i32.const 16) "default\n=")
  (data (i32.const 32) "000 of 100 keys\n")
  (global $stdout (mut i32) (i32.const 0))
  (global $heap (mut i32) (i32.const 16384))

  ;; Results of calls start at 64, the keys at 1024, the pairs at 2048, and the list of keys at 4096.
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func $print (param $text i32) (param $length i32)
    (call $write (global.get $stdout) (local.get $text) (local.get $length) (i32.const 96)))

  (func $print-string (param $string i32)
    (call $print (i32.load (local.get $string)) (i32.load offset=4 (local.get $string))))

  (func $print-newline
    (call $print (i32.const 23) (i32.const 1)))

  ;; Makes the pair and the list item of a key, which is three digits.
  (func $add-key (param $index i32)
    (local $key i32) (local $pair i32) (local $item i32)
    (local.set $key (i32.add (i32.const 1024) (i32.mul (local.get $index) (i32.const 3))))
    (call $write-digits (local.get $key) (local.get $index))
    (local.set $pair (i32.add (i32.const 2048) (i32.mul (local.get $index) (i32.const 16))))
    (i32.store (local.get $pair) (local.get $key))
    (i32.store offset=4 (local.get $pair) (i32.const 3))
    (i32.store offset=8 (local.get $pair) (local.get $key))
    (i32.store offset=12 (local.get $pair) (i32.const 3))
    (local.set $item (i32.add (i32.const 4096) (i32.mul (local.get $index) (i32.const 8))))
    (i32.store (local.get $item) (local.get $key))
    (i32.store offset=4 (local.get $item) (i32.const 3)))

  (func $write-digits (param $at i32) (param $number i32)
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.div_u (local.get $number) (i32.const 100))))
    (i32.store8 offset=1 (local.get $at)
      (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $number) (i32.const 10)) (i32.const 10))))
    (i32.store8 offset=2 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10)))))

  ;; Returns how many of the 100 places of get-many have a value.
  (func $count-found (param $places i32) (result i32)
    (local $index i32) (local $found i32)
    (loop $next
      (local.set $found (i32.add (local.get $found)
        (i32.load8_u offset=8 (i32.add (local.get $places) (i32.mul (local.get $index) (i32.const 20))))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $index) (i32.const 100))))
    (local.get $found))

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

  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (local $index i32) (local $bucket i32) (local $end i32)
    (global.set $stdout (call $get-stdout))
    (call $open (i32.const 16) (i32.const 7) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return (i32.const 1))))
    (local.set $bucket (i32.load (i32.const 68)))
    (loop $next
      (call $add-key (local.get $index))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $index) (i32.const 100))))
    (call $set-many (local.get $bucket) (i32.const 2048) (i32.const 100) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return (i32.const 1))))
    (call $get-many (local.get $bucket) (i32.const 4096) (i32.const 100) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return (i32.const 1))))
    (call $write-digits (i32.const 32) (call $count-found (i32.load (i32.const 68))))
    (call $print (i32.const 32) (i32.const 16))
    (call $print-arguments)
    (call $print-environment)
    (call $print-folders)
    (local.set $end (call $how-to-end))
    (if (i32.eq (local.get $end) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $end) (i32.const 101)) (then (call $exit (i32.const 1))))
    (i32.eq (local.get $end) (i32.const 102))))
