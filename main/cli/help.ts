/** `sightline --help`. */
export const HELP = `Usage: sightline COMMAND [OPTIONS]

  analyze PATHS      add footage (files, folders) to the case and analyse it; a second call goes on
                     where the first one stopped and analyses nothing twice; each video stream of a
                     file is a footage of its own
    --model ID         one of "sightline models"; the default one when left out
    --every MS|all     look at one frame in this many ms of media time (200), or at every frame
    --min-score S      keep detections from this score up, 0 to 1 (0.05)
    --motion-gate      skip frames that look like the last analysed one; the coverage shows them
    --short-side PX    input size: length of the shorter side; the model's own when left out
    --proposals N      let at most N proposals reach the second stage: less time, and small or
                       overlapping objects may be missed; as many as exported when left out
    --provider ID      what calculates: cpu, cuda, dml, coreml, webgpu, or automatic for the first
                       one faster than the CPU; where it cannot be had, or finds something else
                       than the CPU, the CPU runs and the report says so; makes no new analysis
    --again            analyse once more what was analysed like this before
  findings           what was found, in review order
    --class NAME       only this class; may be repeated
    --min-score S      only from this score up (0)
    --limit N          at most this many (1000)
  detections         every box of each footage's current run
    --class NAME       only this class
    --footage ID       only this footage
    --min-score S      only from this score up (0)
    --csv              comma-separated values
  coverage           what became of each stretch of the footage
  footage            what is in the case
  models             which models there are, and what they do on this machine
  models show ID     everything about one
  models get ID      fetch a published one, where the last attempt stopped; nothing else
                     opens a connection
  models add FILE    add weights (.onnx) of a listed model, or a model of your own by its
                     manifest (.model.json) with the weights beside it
    --id ID            which listed model the weights are; found out by hash when left out
  models propose FILE
                     say what an .onnx file without a manifest tells of itself, and what it does not
    --frame CLIP[@SEC] run it on that frame of a clip, or on a picture, and list what it finds
    --answer ID=ANSWER answer a question in another way than proposed; may be repeated
    --out M.model.json write the manifest that follows, for models add
  models test ID     run it once on this machine
  models remove ID   delete what was fetched or added of it
  models default ID  use it where no model is named
  models mirror [PLACE|none]
                     show, set or take back the folder or address to fetch from
  export             take out a clip
    --finding ID       from a finding's first frame to its last
    --footage ID --from SEC --to SEC
    --mode copy|exact  not re-encoded, or first and last frame exactly as asked (copy)
    --burn-boxes --burn-times --min-score S
                       drawn into the picture; exact only
    --output FILE      put a copy of the clip, its sidecar and its hash here as well
  verify             hold the case against itself: database, coverage, originals' hashes

Every command:
  --case DIR         the case folder; the one opened last when left out
  --json             print the result as JSON

Exit codes:
  0    done
  1    done, but something was refused or is incomplete; each is named
  2    the command line is wrong
  3    failed
  130  stopped by Ctrl+C; what was found so far is kept
`;
