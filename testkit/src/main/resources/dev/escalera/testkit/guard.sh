# Runs a server that cannot outlive its owner: guard.sh FOLDER COMMAND...
# The owner holds the other end of our standard input; when it closes it, or dies in whatever way, the
# server is killed and its folder removed. Signals to the owner's process group are not for us.
trap '' HUP INT TERM
folder=$1
shift
exec 3<&0
"$@" </dev/null >"$folder/server.log" 2>&1 3<&- &
server=$!
echo "$server"
(
  while read -r _ <&3; do :; done
  # Once the server is reaped its number may be another process's.
  [ -e "$folder/reaped" ] || kill -9 "$server"
) &
wait "$server"
: >"$folder/reaped"
wait
rm -rf "$folder"
