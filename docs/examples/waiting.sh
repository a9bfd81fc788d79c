location=$(curl --silent --show-error --fail "$API/generate" \
  --header "Authorization: $API_KEY" \
  --header "Content-Type: application/json" \
  --header "Prefer: respond-async" \
  --data '{"model": "sketch", "input": {"prompt": "a lighthouse at dawn"}}' \
  --output /dev/null --dump-header - | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
until curl --silent --show-error --header "Authorization: $API_KEY" "$location" |
  grep --extended-regexp '"status":"(success|error)"'; do
  sleep 2
done
