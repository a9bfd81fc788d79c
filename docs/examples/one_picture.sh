output=$(curl --silent --show-error --fail-with-body "$API/generate" \
  --header "Authorization: $API_KEY" \
  --header "Content-Type: application/json" \
  --data '{"model": "sketch", "input": {"prompt": "a lighthouse at dawn", "width": 512, "height": 512}}' |
  sed -n 's/.*"output":"\([^"]*\)".*/\1/p')
curl --silent --show-error --fail --location --output picture.png "$output"
