upload() {
  curl --silent --show-error --fail-with-body "$API/files?transient=true" \
    --header "Authorization: $API_KEY" --header "Content-Type: image/png" --data-binary "@$1" |
    sed -n 's/.*"url":"\([^"]*\)".*/\1/p'
}
run() { # a tool with its input, whose result becomes a file
  output=$(curl --silent --show-error --fail-with-body "$API/run" \
    --header "Authorization: $API_KEY" --header "Content-Type: application/json" --header "Prefer: wait=25" \
    --data "{\"tool\": \"$1\", \"input\": $2}" | sed -n 's/.*"output":"\([^"]*\)".*/\1/p')
  curl --silent --show-error --fail --location --output "$1.png" "$output"
}
image="\"image_urls\": [\"$(upload picture.png)\"]"
mask="\"mask_url\": \"$(upload mask.png)\""

run edit-image "{\"prompt\": \"a boat\", $image}"
run inpaint "{\"prompt\": \"a boat at sea\", $image, $mask}"
run outpaint "{\"prompt\": \"snow\", $image, \"left\": 100, \"right\": 100}"
run upscale "{$image, \"factor\": 4}"
run remove-background "{$image}"
run erase "{$image, $mask}"
