# Reads `go test -v`: shows each package's closing line, every skip with its reason, and the whole
# output of a package that failed; appends "passed failed skipped" to the file named by `counts`.
{ buffer = buffer $0 "\n" }
/^--- PASS: / || /^PASS: Fuzz/ { passed++ }
/^--- FAIL: / { failed++; package_failures++ }
/^ *--- SKIP: / { if ($0 ~ /^---/) skipped++; else skipped_parts++; skip = $0; print; next }
skip != "" { if ($0 ~ /^ +[a-z_A-Z0-9]+\.go:[0-9]+: /) print; skip = "" }
/^ok  \t/ || /^\?   \t/ || /\[no tests to run\]$/ { if ($0 !~ /^\?/) print; fflush(); buffer = ""; package_failures = 0; next }
/^FAIL\t/ {
	if (!package_failures) failed++ # did not build, panicked or ran out of time
	printf "%s", buffer; fflush()
	buffer = ""; package_failures = 0
}
END {
	if (buffer ~ /[^ \nA-Z]/) printf "%s", buffer
	print passed + 0, failed + 0, skipped + 0, skipped_parts + 0 >> counts
}
